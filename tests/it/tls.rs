//! TLS on every listener: what clients get, new certificates, client certificates, and those who speak something else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::Endpoint;

use crate::support::{BINARY, Server, eventually};

/// Signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
struct Pair {
    cert: String,
    key: String,
}

/// The files of a server.
struct Files {
    dir: TempDir,
}

// === impl Authority ===

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed"))
    }

    fn pair(&self, name: &str) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned(), "127.0.0.1".to_owned()]).expect("names");
        let cert = params.signed_by(&key, &self.0).expect("signed");
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// Trusts this authority; shows `own`.
    fn client(&self, own: Option<&Pair>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        match own {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).expect("PEM");
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
                builder.with_client_auth_cert(vec![cert], key).expect("a pair")
            }
        }
    }
}

// === impl Files ===

impl Files {
    fn new(pair: &Pair) -> Files {
        let files = Files { dir: TempDir::new().expect("a folder") };
        files.write(pair);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, pair: &Pair) {
        std::fs::write(self.path("cert.pem"), &pair.cert).expect("written");
        std::fs::write(self.path("key.pem"), &pair.key).expect("written");
    }

    async fn server(&self, more: &[(&str, &str)]) -> Server {
        let (cert, key) = (text(&self.path("cert.pem")), text(&self.path("key.pem")));
        let mut environment = vec![("ACTIVITYLOG_TLS_CERT", cert.as_str()), ("ACTIVITYLOG_TLS_KEY", key.as_str())];
        environment.extend(more);
        Server::start_with(&environment).await
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

fn at<'s>(server: &'s Server, listener: &str) -> &'s str {
    server.run[listener].as_str().expect("an address")
}

/// One request over TLS; the error is the connection's.
async fn ask(
    client: ClientConfig,
    method: Method,
    url: &str,
    body: &str,
) -> Result<(StatusCode, hyper::HeaderMap, Bytes), String> {
    let connector = HttpsConnectorBuilder::new().with_tls_config(client).https_only().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a request");
    let response = client.request(request).await.map_err(|error| format!("{error:?}"))?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((parts.status, parts.headers, body))
}

async fn shake(mut client: ClientConfig, address: &str, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(client)).connect(name, TcpStream::connect(address).await?).await
}

async fn export_grpc(client: ClientConfig, address: &str) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let address = address.to_owned();
    let connector = tower::service_fn(move |_| {
        let (client, address) = (client.clone(), address.clone());
        async move { shake(client, &address, &[b"h2"]).await.map(TokioIo::new) }
    });
    let channel = endpoint.connect_with_connector(connector).await.map_err(|error| format!("{error:?}"))?;
    let exported = LogsServiceClient::new(channel).export(ExportLogsServiceRequest::default()).await;
    exported.map(drop).map_err(|error| format!("{error:?}"))
}

/// Until the other side closes.
async fn say(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(bytes).await.expect("written");
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_speaks_tls_and_says_so_to_those_who_do_not() {
    let authority = Authority::new("one");
    let files = Files::new(&authority.pair("localhost"));
    let server = files.server(&[("ACTIVITYLOG_LIMITS_HEADER_TIMEOUT", "2s")]).await;
    let client = || authority.client(None);
    let (grpc, otlp, http) = (at(&server, "grpc"), at(&server, "otlp_http"), at(&server, "http"));

    let (status, headers, body) =
        ask(client(), Method::GET, &format!("https://{http}/api/v1/me"), "").await.expect("an answer");
    assert_eq!(status, 200);
    assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    let me: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(me["endpoints"]["otlp_http"], format!("https://{otlp}"));
    let (status, ..) = ask(client(), Method::POST, &format!("https://{otlp}/v1/logs"), "{}").await.expect("an answer");
    assert_eq!(status, 200);
    export_grpc(client(), grpc).await.expect("exported");
    for (address, spoken) in [(grpc, &b"h2"[..]), (otlp, b"h2"), (http, b"h2")] {
        let stream = shake(client(), address, &[b"h2", b"http/1.1"]).await.expect("shaken");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(spoken), "{address}");
    }
    shake(client(), grpc, &[b"http/1.1"]).await.expect_err("gRPC is HTTP/2");
    // Another authority's client does not trust it.
    ask(Authority::new("two").client(None), Method::GET, &format!("https://{http}/healthz"), "")
        .await
        .expect_err("a stranger");

    for address in [grpc, otlp, http] {
        let answer = say(address, b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello").await;
        let answer = String::from_utf8(answer).expect("text");
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("this port speaks TLS"), "{address}: {answer}");
        let plain = LogsServiceClient::connect(format!("http://{address}")).await;
        let error = match plain {
            Ok(mut client) => {
                client.export(ExportLogsServiceRequest::default()).await.expect_err("refused").to_string()
            }
            Err(error) => format!("{error:?}"),
        };
        assert!(!error.is_empty());
        let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
        let answer = say(address, &preface).await;
        assert!(String::from_utf8_lossy(&answer).contains("this port speaks TLS"), "{address}: {answer:?}");
        // Garbage, a handshake that is none, half of one, and nothing at all: closed, at the latest after the time for a head.
        assert!(say(address, b"\0\xff\x01garbage").await.is_empty());
        let alert = say(address, &[22, 3, 1, 0, 5, 9, 9, 9, 9, 9]).await;
        assert!(alert.is_empty() || alert[0] == 21, "{alert:?}");
        assert!(say(address, &[22, 3, 1, 2, 0, 1, 0]).await.is_empty());
        assert!(say(address, b"").await.is_empty());
    }
    let (status, ..) = ask(client(), Method::GET, &format!("https://{http}/healthz"), "").await.expect("well");
    assert_eq!(status, 200);
    assert!(!server.log().contains("panic"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_certificates_are_taken_and_broken_ones_are_not() {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = Files::new(&first.pair("localhost"));
    let server = files.server(&[]).await;
    let url = format!("https://{}/healthz", at(&server, "http"));
    let trusts = async |authority: &Authority| ask(authority.client(None), Method::GET, &url, "").await.is_ok();
    assert!(trusts(&first).await && !trusts(&second).await);

    // Half-written: the key is not the certificate's.
    let new = second.pair("localhost");
    std::fs::write(files.path("cert.pem"), &new.cert).expect("written");
    eventually("the log says so", async || server.log().contains("can't be used").then_some(())).await;
    assert!(trusts(&first).await);
    assert!(!server.log().contains("PRIVATE KEY"));

    files.write(&new);
    eventually("the new certificate is shown", async || trusts(&second).await.then_some(())).await;
    assert!(!trusts(&first).await);
    export_grpc(second.client(None), at(&server, "grpc")).await.expect("also there");

    std::fs::remove_file(files.path("cert.pem")).expect("removed");
    eventually("the log says so", async || server.log().contains("No such file").then_some(())).await;
    assert!(trusts(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_show_certificates_where_they_must() {
    let (authority, strangers) = (Authority::new("ours"), Authority::new("theirs"));
    let files = Files::new(&authority.pair("localhost"));
    std::fs::write(files.path("ca.pem"), authority.0.pem()).expect("written");
    let ca = text(&files.path("ca.pem"));
    let server = files.server(&[("ACTIVITYLOG_TLS_CLIENT_CA", &ca)]).await;
    let (known, stranger) = (authority.pair("sender"), strangers.pair("sender"));
    let otlp = format!("https://{}/v1/logs", at(&server, "otlp_http"));
    for (own, may) in [(None, false), (Some(&stranger), false), (Some(&known), true)] {
        let sent = ask(authority.client(own), Method::POST, &otlp, "{}").await;
        assert_eq!(sent.as_ref().is_ok_and(|(status, ..)| *status == 200), may, "{sent:?}");
        let exported = export_grpc(authority.client(own), at(&server, "grpc")).await;
        assert_eq!(exported.is_ok(), may, "{exported:?}");
    }
    // Browsers have none.
    let url = format!("https://{}/healthz", at(&server, "http"));
    assert_eq!(ask(authority.client(None), Method::GET, &url, "").await.expect("an answer").0, 200);
}

#[test]
fn half_of_it_or_a_bad_file_stops_the_start() {
    let authority = Authority::new("one");
    let files = Files::new(&authority.pair("localhost"));
    std::fs::write(files.path("other.pem"), authority.pair("other").key).expect("written");
    std::fs::write(files.path("empty.pem"), "").expect("written");
    let path = |name: &str| text(&files.path(name));
    for (cert, key, client_ca, names) in [
        ("cert.pem", "", "", "tls.key is not"),
        ("", "key.pem", "", "tls.cert is not"),
        ("", "", "cert.pem", "TLS is off"),
        ("missing.pem", "key.pem", "", "tls.cert"),
        ("cert.pem", "other.pem", "", "does not go with tls.key"),
        ("cert.pem", "cert.pem", "", "no private key"),
        ("empty.pem", "key.pem", "", "no certificate"),
        ("cert.pem", "key.pem", "key.pem", "tls.client_ca"),
    ] {
        let mut command = Command::new(BINARY);
        command.arg("check-config");
        for (knob, file) in [("CERT", cert), ("KEY", key), ("CLIENT_CA", client_ca)] {
            if !file.is_empty() {
                command.env(format!("ACTIVITYLOG_TLS_{knob}"), path(file));
            }
        }
        let output = command.output().expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{cert} {key} {client_ca}: {said}");
        assert!(said.contains(names), "{names}: {said}");
    }
}

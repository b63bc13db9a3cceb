//! Records per second and bytes per day: 429 with `Retry-After`, RESOURCE_EXHAUSTED with `RetryInfo`, and nothing lost or doubled.

use activitylog::control::records::Tenant;
use hyper::Method;

use super::{Sender, add, metrics};
use crate::support::{Server, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_over_its_quota_is_asked_to_come_again_at_every_door() {
    let mut server = Server::start().await;
    let slow = add(&server, "slow", Tenant { records_per_second: 1, ..Tenant::default() }).await;
    let mut small = add(&server, "small", Tenant { bytes_per_day: 1000, ..Tenant::default() }).await;
    let free = add(&server, "free", Tenant::default()).await;

    // More than the limit in one request passes; the next waits until it is paid for.
    let many: Vec<String> = (0..5000).map(|n| format!("record {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(slow.send(&server, &many).await.status, 200);
    let refused = slow.send(&server, &["one more"]).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    // More than an hour's worth: the limit may be raised meanwhile.
    assert_eq!(refused.headers["retry-after"], "3600");
    assert!(refused.text().contains("1 records per second"), "{}", refused.text());
    assert_eq!(free.send(&server, &["another tenant's"]).await.status, 200);

    // Messages, and gRPC of both kinds.
    let headers = [("authorization", slow.header.as_str()), ("content-type", "application/json")];
    let body = r#"{"type": "app.done", "message": "x"}"#;
    let answer = request(Method::POST, &server.api("/api/v1/messages"), &headers, body.into()).await;
    assert_eq!((answer.status.as_u16(), answer.headers.contains_key("retry-after")), (429, true), "{}", answer.text());
    let (code, details) = export_over_grpc(&server, &slow).await;
    assert_eq!(code, tonic::Code::ResourceExhausted);
    assert!(String::from_utf8_lossy(&details).contains("RetryInfo"));

    // Bytes: what is stored counts, a replay does not, and a restart forgets nothing.
    let body = crate::support::logs("test", &[crate::support::record(&"x".repeat(600), 0, &[])]).to_string();
    for _ in 0..5 {
        assert_eq!(small.post(&server, "/v1/logs", body.clone()).await.status, 200);
    }
    let today = format!("activitylog_tenant_bytes_today{{tenant=\"small\"}} {}", body.len());
    assert!(metrics(&server).await.contains(&today), "{today}");
    let other = body.replace("xxx", "yyy");
    assert_eq!(small.post(&server, "/v1/logs", other).await.status, 200, "{} bytes", body.len());
    assert_eq!(small.send(&server, &["later"]).await.status, 429);
    server.stop().await;
    server.start_again().await;
    assert_eq!(small.send(&server, &["later"]).await.status, 429);
    small.change(&server, |tenant| tenant.bytes_per_day = 0).await;
    crate::support::eventually("no limit any more", async || {
        (small.send(&server, &["later"]).await.status == 200).then_some(())
    })
    .await;

    let said = metrics(&server).await;
    let refusals = "activitylog_tenant_requests_refused_total{tenant=\"small\",reason=\"quota_exceeded\"}";
    assert!(said.contains(refusals), "{said}");
    assert!(said.contains("activitylog_requests_refused_total{door=\"http\",reason=\"quota_exceeded\"}"));
    let count = |tenant: &str| format!("SELECT count() FROM activitylog.events WHERE tenant_id = '{tenant}'");
    server.wait_for_count(&count("slow"), 5000).await;
    server.wait_for_count(&count("free"), 1).await;
}

async fn export_over_grpc(server: &Server, sender: &Sender) -> (tonic::Code, Vec<u8>) {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
    let mut client = LogsServiceClient::connect(server.grpc()).await.expect("connected");
    let mut request = tonic::Request::new(ExportLogsServiceRequest::default());
    request.metadata_mut().insert("authorization", sender.header.parse().expect("a value"));
    let status = client.export(request).await.expect_err("refused");
    (status.code(), status.details().to_vec())
}

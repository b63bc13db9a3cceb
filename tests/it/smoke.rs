//! One event from the door to the page's API, and a clean end.

use crate::support::{Server, eventually, logs, record};

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_event_can_be_read_and_the_server_ends_cleanly() {
    let mut server = Server::start().await;
    server.send_json("logs", &logs("app", &[record("hello", 0, &[("user.id", "ada")])])).await;
    let page = eventually("the event is readable", async || {
        let page = server.json("/api/v1/messages").await;
        (page["items"].as_array().map(Vec::len) == Some(1)).then_some(page)
    })
    .await;
    assert_eq!(page["items"][0]["message"], "hello");
    assert_eq!(page["items"][0]["user_id"], "ada");
    assert!(server.stop().await.success());
    assert!(!server.dir.join("run.json").exists());
}

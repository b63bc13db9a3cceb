//! The read side as its callers see it: lists, the timeline, points, the live stream, the operator's pages and the portal.

mod files;
mod fuzz;
mod lists;
mod operations;
mod pages;
mod points;
mod sessions;
mod stream;
mod timeline;
mod traces;
mod values;

use serde_json::Value;

use crate::support::{Answer, Server};

/// The answer must be an error as the contract has it, naming what is wrong.
pub(crate) async fn refused(server: &Server, path: &str, status: u16, names: &str) {
    is_problem(&server.get(path).await, status, names, path);
}

pub(crate) fn is_problem(answer: &Answer, status: u16, names: &str, path: &str) {
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
    let problem = answer.json();
    let keys: Vec<&str> = problem.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["type", "title", "status", "detail"], "{path}");
    assert_eq!(problem["status"], status, "{path}");
    assert!(problem["detail"].as_str().expect("text").contains(names), "{path}: {names} is not in {problem}");
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

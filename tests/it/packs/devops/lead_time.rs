//! From a commit to its deployments.

use super::{Fact, PACK, sorted, told};
use crate::packs::panel;
use crate::store::nanoseconds;

const HOUR: i64 = 3_600_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn lead_time_runs_from_a_commit_to_its_deployment() {
    let sha = |n: u8| format!("{n:02x}").repeat(20);
    let at = nanoseconds("2026-03-01T04:00:00Z");
    let push = |n: u8, hours: i64| Fact {
        at: at + hours * HOUR,
        kind: "push",
        source: "github",
        repository: "acme/shop".into(),
        sha: sha(n),
        ..Fact::default()
    };
    let deploy = |sha: String, source, repository: &str, environment, target: &str, hours: i64| Fact {
        at: at + hours * HOUR,
        kind: "deployment.completed",
        source,
        repository: repository.into(),
        environment,
        target: target.into(),
        outcome: "success",
        sha,
        ..Fact::default()
    };
    let merged = Fact { kind: "pull_request.merged", sha: sha(9), merge_sha: sha(3), ..push(0, 4) };
    let facts = [
        push(1, 0),
        push(1, 1),
        // 20 days before the range.
        push(2, -20 * 24),
        merged,
        deploy(sha(1), "github", "acme/shop", "staging", "1", 2),
        // Told again, and told of another environment.
        deploy(sha(1), "github", "acme/shop", "staging", "1", 3),
        deploy(sha(1), "github", "acme/shop", "production", "2", 10),
        deploy(sha(2), "github", "acme/shop", "production", "3", 12),
        // Another tool deploys what the forge merged.
        deploy(sha(3), "webhook", "", "production", "4", 14),
        // Half a hash does where the repository is the same, not elsewhere.
        deploy(sha(1)[..8].into(), "gitlab", "acme/shop", "review", "5", 5),
        deploy(sha(1)[..8].into(), "gitlab", "acme/other", "review", "6", 5),
        // Nobody told of this one, that one failed, and these went out before they were heard of.
        deploy(sha(7), "github", "acme/shop", "production", "7", 20),
        Fact { outcome: "failure", ..deploy(sha(1), "github", "acme/shop", "production", "8", 20) },
        deploy(sha(4), "github", "acme/shop", "production", "9", 20),
        push(4, 21),
    ];
    let server = told(&facts).await;
    let range = [("from", "2026-03-01T00:00:00Z"), ("to", "2026-03-08T00:00:00Z")];
    let found = panel(&server, PACK, "deployed-commits", &range).await;
    let rows: Vec<Vec<String>> = sorted(found.of(&["deployment_id", "environment", "lead_ms", "via"]))
        .into_iter()
        .map(|row| {
            let hours = row[2].parse::<f64>().expect("a number") / 3_600_000.0;
            vec![row[0].to_owned(), row[1].to_owned(), format!("{hours}"), row[3].to_owned()]
        })
        .collect();
    let expected = [
        ["1", "staging", "2", "push"],
        ["2", "production", "10", "push"],
        ["3", "production", "492", "push"],
        ["4", "production", "10", "pull_request.merged"],
        ["5", "review", "5", "push"],
    ];
    assert_eq!(rows, expected);
    let days = panel(&server, PACK, "lead-time", &range).await;
    let hours: Vec<(&str, &str, f64)> = days
        .of(&["day", "environment", "lead_p50_ms"])
        .into_iter()
        .map(|row| (row[0], row[1], row[2].parse::<f64>().expect("a number") / 3_600_000.0))
        .collect();
    assert_eq!(
        hours,
        [("2026-03-01", "production", 10.0), ("2026-03-01", "review", 5.0), ("2026-03-01", "staging", 2.0)]
    );
    // In Los Angeles the night is still February's.
    let west = panel(&server, PACK, "lead-time", &[&range[..], &[("timezone", "America/Los_Angeles")]].concat()).await;
    assert_eq!(west.of(&["day", "environment"])[..2], [["2026-02-28", "staging"], ["2026-03-01", "production"]]);
    let early = panel(
        &server,
        PACK,
        "deployed-commits",
        &[("from", "2026-03-01T00:00:00Z"), ("to", "2026-03-01T06:00:00.000001Z")],
    )
    .await;
    assert_eq!(early.column("deployment_id"), ["1"]);
}

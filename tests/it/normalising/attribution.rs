//! Who a call was for, under the names that `docs/EVENTS.md` lists.

use super::*;

#[test]
fn what_a_subagent_does_says_so() {
    for (sent, agent) in [
        (json!({"query_source": "agent:builtin:general-purpose"}), Some("general-purpose")),
        (json!({"query_source": "agent:builtin:general-purpose", "agent.name": "mine"}), Some("mine")),
        (json!({"query_source_safe": "agent.builtin.Explore"}), Some("Explore")),
        (json!({"query_source": "agent:custom:a:b"}), Some("a:b")),
        (json!({"event.name": "subagent_completed", "agent_type": "Plan"}), Some("Plan")),
        (json!({"query_source": "agent:custom"}), None),
        (json!({"query_source": "agent:"}), None),
        (json!({"query_source": "agents:builtin:x"}), None),
        (json!({"query_source": "repl_main_thread"}), None),
        (json!({"query_source": "sdk"}), None),
        (json!({"event.name": "tool_result", "subagent_type": "Plan"}), None),
        (json!({}), None),
    ] {
        claude(sent.clone(), |event| {
            assert_eq!(attribute(event, "agent.name").as_deref(), agent, "{sent}");
            if let Some(agent) = agent {
                assert_eq!(event.feature, agent);
            }
            for (name, value) in sent.as_object().expect("a map").iter().filter(|(name, _)| *name != "event.name") {
                assert_eq!(attribute(event, name).as_deref(), value.as_str(), "the original stays");
            }
        });
    }
}

#[test]
fn the_provider_is_who_serves_the_model() {
    for (said, provider) in [
        (None, "anthropic"),
        (Some("firstParty"), "anthropic"),
        (Some("bedrock"), "aws.bedrock"),
        (Some("vertex"), "gcp.vertex_ai"),
        (Some("foundry"), "azure.ai.inference"),
        (Some("somebody"), "anthropic"),
    ] {
        let sent = said.map_or(json!({}), |said| json!({"anthropic.provider": said}));
        claude(sent, |event| {
            assert_eq!(event.provider, provider);
            assert_eq!(attribute(event, "anthropic.provider").as_deref(), said, "the original stays");
        });
    }
}

#[test]
fn a_branch_under_its_old_name_is_found_under_the_new_one() {
    let branch = |resource: Value| {
        let mut found = None;
        log(context(), "app", resource, json!({}), |event| {
            let attribute = event.resource.iter().find(|(key, _)| key == "vcs.ref.head.name");
            found = attribute.map(|(_, text)| text.clone());
        });
        found
    };
    assert_eq!(branch(json!({"vcs.repository.ref.name": "main"})).as_deref(), Some("main"));
    assert_eq!(branch(json!({"vcs.repository.ref.name": "a", "vcs.ref.head.name": "b"})).as_deref(), Some("b"));
    assert_eq!(branch(json!({"branch": "a"})), None);
}

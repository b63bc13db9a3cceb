use super::*;

fn row(id: &str, event_type: &str, ns: i64, is_span: bool) -> Row {
    Row {
        id: id.to_owned(),
        event_type: event_type.to_owned(),
        source: "claude_code".to_owned(),
        ns,
        is_span,
        ..Row::default()
    }
}

fn span(id: &str, parent: &str, event_type: &str, ns: i64) -> Row {
    Row {
        span_id: id.to_owned(),
        parent_span_id: parent.to_owned(),
        trace_id: "t".to_owned(),
        ..row(id, event_type, ns, true)
    }
}

fn tree(steps: &[Step]) -> Vec<(&str, Option<&str>, usize)> {
    steps.iter().map(|step| (step.id.as_str(), step.parent_id.as_deref(), step.depth)).collect()
}

#[test]
fn parents_that_go_round_or_are_missing_are_none() {
    let rows = vec![
        span("self", "self", "claude_code.tool", 1),
        span("a", "c", "claude_code.tool", 2),
        span("b", "a", "claude_code.tool", 3),
        span("c", "b", "claude_code.tool", 4),
        span("d", "gone", "claude_code.tool", 5),
        span("e", "d", "claude_code.tool", 6),
    ];
    let steps = of(rows, &Calls::new());
    assert_eq!(steps.len(), 6);
    let roots: Vec<&str> = steps.iter().filter(|step| step.parent_id.is_none()).map(|step| step.id.as_str()).collect();
    assert_eq!(roots.len(), 3, "{:?}", tree(&steps));
    assert!(roots.contains(&"self") && roots.contains(&"d"));
    let e = steps.iter().find(|step| step.id == "e").expect("e");
    assert_eq!((e.parent_id.as_deref(), e.depth), (Some("d"), 1));
    for step in &steps {
        let parent = steps.iter().find(|other| Some(&other.id) == step.parent_id.as_ref());
        assert_eq!(step.depth, parent.map_or(0, |parent| parent.depth + 1));
    }
}

#[test]
fn a_very_deep_chain_is_walked() {
    let rows = (0..8_000).map(|n| span(&n.to_string(), &(n + 1).to_string(), "claude_code.tool", 0)).collect();
    let steps = of(rows, &Calls::new());
    assert_eq!(steps.iter().map(|step| step.depth).max(), Some(7_999));
}

#[test]
fn a_call_is_told_once_and_what_ended_began_before() {
    let mut used = Calls::new();
    let tokens = Tokens { input: 1, output: 2, ..Tokens::default() };
    used.insert("k".to_owned(), super::super::rows::Used { tokens, cost_usd: "0.5".to_owned() });
    let call = |id: &str, is_span| Row {
        call: "req".to_owned(),
        call_key: "k".to_owned(),
        duration_ns: 40,
        model: "m".to_owned(),
        correlation_id: "p".to_owned(),
        ..row(id, if is_span { "claude_code.llm_request" } else { "claude_code.api_request" }, 100, is_span)
    };
    let prompt = Row { correlation_id: "p".to_owned(), ..row("prompt", "claude_code.user_prompt", 50, false) };
    // Of one call, the span and the log event.
    let steps = of(vec![prompt.clone(), call("log", false), call("span", true)], &used);
    assert_eq!(steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["prompt", "span"]);
    assert_eq!((steps[1].cost_usd.as_deref(), steps[1].tokens), (Some("0.5"), Some(tokens)));
    // Without the span.
    let steps = of(vec![prompt, call("log", false)], &used);
    assert_eq!(tree(&steps), [("prompt", None, 0), ("log", Some("prompt"), 1)]);
    assert_eq!(steps[1].time, time::format(60));
    assert_eq!(steps[1].cost_usd.as_deref(), Some("0.5"));
}

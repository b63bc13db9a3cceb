//! Sign-ins that began and did not come back yet: each is good once, for ten minutes, and there is room for so many.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use openidconnect::{CsrfToken, Nonce, PkceCodeVerifier};
use subtle::ConstantTimeEq;

pub(super) struct Flow {
    pub(super) state: CsrfToken,
    pub(super) nonce: Nonce,
    pub(super) verifier: PkceCodeVerifier,
}

#[derive(Default)]
pub(super) struct Pending(Mutex<Flows>);

#[derive(Default)]
struct Flows {
    by_handle: HashMap<String, Flow>,
    /// When each began; the oldest first.
    began: VecDeque<(i64, String)>,
}

pub(super) const LIFETIME_MS: i64 = 600_000;
/// Of some 400 bytes each.
const MOST: usize = 10_000;

// === impl Pending ===

impl Pending {
    pub(super) fn put(&self, handle: &str, flow: Flow, now_ms: i64) {
        let mut flows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |began: &VecDeque<(i64, String)>| {
            began.len() >= MOST || began.front().is_some_and(|(at, _)| at + LIFETIME_MS <= now_ms)
        };
        while over(&flows.began) {
            if let Some((_, oldest)) = flows.began.pop_front() {
                flows.by_handle.remove(&oldest);
            }
        }
        flows.by_handle.insert(handle.to_owned(), flow);
        flows.began.push_back((now_ms, handle.to_owned()));
    }

    /// Ends it, whether or not the state is right.
    pub(super) fn take(&self, handle: &str, state: &str, now_ms: i64) -> Option<Flow> {
        let mut flows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flow = flows.by_handle.remove(handle)?;
        let at = flows.began.iter().position(|(_, began)| began == handle)?;
        let (began, _) = flows.began.remove(at)?;
        let same: bool = flow.state.secret().as_bytes().ct_eq(state.as_bytes()).into();
        (same && now_ms < began + LIFETIME_MS).then_some(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(state: &str) -> Flow {
        let verifier = PkceCodeVerifier::new("v".repeat(43));
        Flow { state: CsrfToken::new(state.to_owned()), nonce: Nonce::new("n".to_owned()), verifier }
    }

    #[test]
    fn a_flow_is_good_once_in_time_and_with_its_state() {
        let pending = Pending::default();
        ["a", "b", "c"].iter().for_each(|handle| pending.put(handle, flow("s"), 0));
        assert!(pending.take("a", "s", 1).is_some() && pending.take("a", "s", 1).is_none());
        assert!(pending.take("b", "x", 1).is_none() && pending.take("b", "s", 1).is_none());
        assert!(pending.take("c", "s", LIFETIME_MS).is_none());
        (0..=MOST).for_each(|n| pending.put(&n.to_string(), flow("s"), 5));
        assert!(pending.take("0", "s", 6).is_none() && pending.take("1", "s", 6).is_some());
    }
}

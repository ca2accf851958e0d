//! How often and how patiently a request is repeated. Only requests that may be repeated are.

use std::time::Duration;

/// Attempts and pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all; 1 means no retry.
    pub attempts: u32,
    /// Pause before the second attempt; doubled each time.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(200), longest: Duration::from_secs(5) }
    }
}

impl Retry {
    /// The pause after attempt number `attempt` (from 1) failed; `None` when it was the last.
    pub fn pause(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        Some(self.first.saturating_mul(factor).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry =
            Retry { attempts: 5, first: Duration::from_millis(100), longest: Duration::from_millis(250) };
        let pauses: Vec<_> = (1..=5).map(|n| retry.pause(n).map(|p| p.as_millis())).collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(250), Some(250), None]);
    }
}

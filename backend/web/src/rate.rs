//! Rate limits: sign-ins by network address and by name, quotes and predictions by account.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hash},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use actix_web::HttpRequest;
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _, clock::DefaultClock};
use sordino_protocol::ids::AccountId;

use crate::{problem::WebError, settings::Limits};

/// Every so many requests, keys that have been quiet are forgotten.
const SWEEP: u32 = 1_024;

/// The limits of one server process.
pub struct RateLimits {
    by_address: Keyed<IpAddr>,
    by_name: Keyed<u64>,
    by_account: Keyed<AccountId>,
    predictions: Keyed<AccountId>,
    hasher: RandomState,
}

struct Keyed<K: Clone + Hash + Eq> {
    limiter: DefaultKeyedRateLimiter<K>,
    requests: AtomicU32,
}

impl RateLimits {
    /// From the settings; zero counts as one.
    pub fn new(limits: &Limits) -> Self {
        Self {
            by_address: Keyed::new(limits.sign_ins_per_minute),
            by_name: Keyed::new(limits.sign_ins_per_minute),
            by_account: Keyed::new(limits.quotes_per_minute),
            predictions: Keyed::new(limits.predictions_per_minute),
            hasher: RandomState::new(),
        }
    }

    /// Counts an attempt to register or to sign in.
    ///
    /// # Errors
    /// When there were too many from this address, or for this name from anywhere.
    pub fn sign_in(&self, address: IpAddr, name: &str) -> Result<(), WebError> {
        self.by_address.check(&address)?;
        self.by_name.check(&self.hasher.hash_one(name.trim().to_lowercase()))
    }

    /// Counts a quote.
    ///
    /// # Errors
    /// When the account asked too often.
    pub fn quote(&self, account: AccountId) -> Result<(), WebError> {
        self.by_account.check(&account)
    }

    /// Counts a request for predictions, or a registration of keys for them.
    ///
    /// # Errors
    /// When the account asked too often.
    pub fn prediction(&self, account: AccountId) -> Result<(), WebError> {
        self.predictions.check(&account)
    }
}

impl<K: Clone + Hash + Eq> Keyed<K> {
    fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self { limiter: DefaultKeyedRateLimiter::keyed(quota), requests: AtomicU32::new(0) }
    }

    fn check(&self, key: &K) -> Result<(), WebError> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|wait| {
            let wait = wait.wait_time_from(DefaultClock::default().now());
            WebError::RateLimited { retry_after_s: wait.as_secs() + 1 }
        })
    }
}

/// The network address of the caller: that of the connection, or the one a trusted proxy reports. All
/// addresses of an IPv6 customer network (64 bits) count as one.
pub fn address(request: &HttpRequest, behind_proxy: bool) -> IpAddr {
    let reported = || request.connection_info().realip_remote_addr().and_then(|text| text.parse().ok());
    let connected = || request.peer_addr().map(|peer| peer.ip());
    let address = if behind_proxy { reported() } else { None };
    match address.or_else(connected).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
        v4 => v4,
    }
}

//! The header `Range`, for a single range of bytes.

use actix_web::http::header::HeaderValue;
use sordino_storage::objects::Wanted;

/// What a request asks for. Several ranges, or one that cannot be read, mean the whole object (RFC 9110,
/// section 14.2).
pub fn wanted(header: Option<&HeaderValue>) -> Wanted {
    header
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().strip_prefix("bytes="))
        .and_then(|spec| spec.split_once('-'))
        .and_then(|(first, last)| parse(first.trim(), last.trim()))
        .unwrap_or(Wanted::All)
}

fn parse(first: &str, last: &str) -> Option<Wanted> {
    if first.is_empty() {
        return last.parse().ok().map(Wanted::Last);
    }
    let start: u64 = first.parse().ok()?;
    let end = match last {
        "" => None,
        last => Some(last.parse::<u64>().ok()?.saturating_add(1)),
    };
    match end {
        Some(end) if end <= start => None,
        end => Some(Wanted::Range { start, end }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_read_and_odd_ones_ignored() {
        let read = |text: &'static str| wanted(Some(&HeaderValue::from_static(text)));
        assert!(matches!(wanted(None), Wanted::All));
        assert!(matches!(read("bytes=0-0"), Wanted::Range { start: 0, end: Some(1) }));
        assert!(matches!(read("bytes=2-"), Wanted::Range { start: 2, end: None }));
        assert!(matches!(read("bytes=-3"), Wanted::Last(3)));
        let last = Wanted::Range { start: 0, end: Some(u64::MAX) };
        assert_eq!(format!("{:?}", read("bytes=0-18446744073709551615")), format!("{last:?}"));
        for odd in ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "bytes=", "bytes=-"] {
            assert!(matches!(read(odd), Wanted::All), "{odd}");
        }
    }
}

//! Server-sent events: only what the platform sends, `data:` lines ended by an empty line.

use reqwest::Response;
use sordino_protocol::api::Job;

/// The longest event that is kept; a job is far smaller.
const MAX_EVENT: usize = 1 << 20;

/// The events of a job.
pub struct Events {
    response: Response,
    parser: Parser,
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self { response, parser: Parser::default() }
    }

    /// The next state of the job; `None` when the stream ended or broke. Comments and events that
    /// are no job are skipped. After `None`, ask for the job itself.
    pub async fn next(&mut self) -> Option<Job> {
        loop {
            while let Some(data) = self.parser.event() {
                if let Ok(job) = serde_json::from_str(&data) {
                    return Some(job);
                }
            }
            let piece = self.response.chunk().await.ok().flatten()?;
            if !self.parser.push(&piece) {
                return None;
            }
        }
    }
}

/// Splits a byte stream into the data of events.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
    data: Option<String>,
}

impl Parser {
    /// Takes the next bytes; `false` when an event would be too long.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        self.buffer.extend_from_slice(bytes);
        self.buffer.len() + self.data.as_ref().map_or(0, String::len) <= MAX_EVENT
    }

    /// The data of the next complete event.
    pub fn event(&mut self) -> Option<String> {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    return Some(data);
                }
                continue;
            }
            // Comments and the fields event, id and retry carry nothing we need.
            let Some(value) = line.strip_prefix(b"data:") else { continue };
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value)).into_owned();
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                none => *none = Some(value),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let text =
            b": hello\n\nevent: job\ndata: {\"a\":\ndata: 1}\r\n\r\nid: 3\ndata:second\n\ndata: unfinished";
        for cut in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in text.chunks(cut) {
                assert!(parser.push(piece));
                while let Some(event) = parser.event() {
                    events.push(event);
                }
            }
            assert_eq!(events, ["{\"a\":\n1}", "second"], "cut every {cut} bytes");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        assert!(!parser.push(&vec![b'x'; MAX_EVENT + 1]));
    }
}

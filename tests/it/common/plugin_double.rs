//! A small KMS plugin on a unix socket of this process: gRPC by hand on HTTP/2. Every request is noted.

use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

/// What it answers.
#[derive(Clone)]
pub(crate) enum Reply {
    Message(Vec<u8>),
    Status(u32, String),
    Never,
    /// The first connection ends before an answer; on the next one there is one.
    DieOnce(Vec<u8>),
    /// The same, said by GOAWAY.
    GoAwayOnce(Vec<u8>),
    /// The first stream is reset for this reason; on the next one there is an answer.
    ResetOnce(u32, Vec<u8>),
    /// Headers of an answer, and then the end of the stream for this reason.
    HeadersThenReset(u32),
}

/// Paths and messages of what was asked.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;
type Answers = Arc<dyn Fn(&str, &[u8]) -> Reply + Send + Sync>;

/// Answers every request alike.
pub(crate) fn serve(listener: UnixListener, reply: Reply) -> Asked {
    let ending = match reply {
        Reply::DieOnce(_) => Some(None),
        Reply::GoAwayOnce(_) => Some(Some(h2::Reason::INTERNAL_ERROR)),
        _ => None,
    };
    serve_all(listener, ending, Arc::new(move |_, _| reply.clone()))
}

/// Answers each request by its path and message.
pub(crate) fn serve_by(listener: UnixListener, answers: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static) -> Asked {
    serve_all(listener, None, Arc::new(answers))
}

/// `ending`: how the first connection ends, if it does; with the reason of a GOAWAY, or without a word.
fn serve_all(listener: UnixListener, ending: Option<Option<h2::Reason>>, answers: Answers) -> Asked {
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, answers) = (Arc::clone(&noted), Arc::clone(&answers));
                tokio::task::spawn_local(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let is_first = noted.lock().unwrap().is_empty();
                        if let (Some(ending), true) = (ending, is_first) {
                            noted.lock().unwrap().push((request.uri().path().to_owned(), Vec::new()));
                            if let Some(reason) = ending {
                                connection.abrupt_shutdown(reason);
                                let _ = std::future::poll_fn(|context| connection.poll_closed(context)).await;
                            }
                            return;
                        }
                        tokio::task::spawn_local(answer(request, respond, Arc::clone(&noted), Arc::clone(&answers)));
                    }
                });
            }
        });
    });
    asked
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<bytes::Bytes>,
    noted: Asked,
    answers: Answers,
) -> Option<()> {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    let mut message = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        message.extend_from_slice(&part);
        let _ = body.flow_control().release_capacity(part.len());
    }
    // Five bytes of gRPC's framing stand before the message.
    let message = message[5..].to_vec();
    let reply = answers(&path, &message);
    let is_first = noted.lock().unwrap().is_empty();
    noted.lock().unwrap().push((path, message));
    let reply = match reply {
        Reply::ResetOnce(reason, _) if is_first => {
            respond.send_reset(reason.into());
            return None;
        }
        Reply::ResetOnce(_, message) | Reply::DieOnce(message) | Reply::GoAwayOnce(message) => Reply::Message(message),
        reply => reply,
    };
    let headers = http::Response::builder().header("content-type", "application/grpc");
    match reply {
        Reply::Message(message) => {
            let mut stream = respond.send_response(headers.body(()).unwrap(), false).ok()?;
            let frame = [&[0], &u32::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat();
            stream.reserve_capacity(frame.len());
            stream.send_data(frame.into(), false).ok()?;
            stream.send_trailers(http::HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), 0.into())])).ok()?;
        }
        Reply::Status(code, message) => {
            let headers = headers.header("grpc-status", code).header("grpc-message", message);
            respond.send_response(headers.body(()).unwrap(), true).ok()?;
        }
        Reply::HeadersThenReset(reason) => {
            let mut stream = respond.send_response(headers.body(()).unwrap(), false).ok()?;
            tokio::task::yield_now().await;
            stream.send_reset(reason.into());
        }
        Reply::Never => std::future::pending().await,
        // Each is a message from the second call on.
        Reply::DieOnce(_) | Reply::GoAwayOnce(_) | Reply::ResetOnce(..) => return None,
    }
    Some(())
}

/// Field 1 of a message, as bytes.
pub(crate) fn field_1(bytes: &[u8]) -> Vec<u8> {
    [&[0x0a, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

/// The answer of a KMS v2 plugin to `Status`.
pub(crate) fn status(key_id: &str) -> Vec<u8> {
    [&field_1(b"v2")[..], b"\x12\x02ok\x1a", &[u8::try_from(key_id.len()).unwrap()], key_id.as_bytes()].concat()
}

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
}

/// Paths and messages of what was asked.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;
type Answers = Arc<dyn Fn(&str, &[u8]) -> Reply + Send + Sync>;

/// Answers every request alike.
pub(crate) fn serve(listener: UnixListener, reply: Reply) -> Asked {
    let dies = matches!(reply, Reply::DieOnce(_));
    serve_all(listener, dies, Arc::new(move |_, _| reply.clone()))
}

/// Answers each request by its path and message.
pub(crate) fn serve_by(listener: UnixListener, answers: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static) -> Asked {
    serve_all(listener, false, Arc::new(answers))
}

fn serve_all(listener: UnixListener, dies: bool, answers: Answers) -> Asked {
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
                        if dies && noted.lock().unwrap().is_empty() {
                            noted.lock().unwrap().push((request.uri().path().to_owned(), Vec::new()));
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
    noted.lock().unwrap().push((path, message));
    let headers = http::Response::builder().header("content-type", "application/grpc");
    match reply {
        Reply::Message(message) | Reply::DieOnce(message) => {
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
        Reply::Never => std::future::pending().await,
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

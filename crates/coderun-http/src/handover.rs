//! Hands the connection of an accepted upgrade over to its handler.
//!
//! actix keeps 16 KiB of buffers for every connection that it serves itself. A handler that accepts an upgrade therefore
//! leaves a [`Handover`] in its response, and serves the bare stream from then on. It sends the response, too, so that one write
//! can carry it and the first message.

use std::future::{Future, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};

use actix_codec::Framed;
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::Error;
use bytes::BytesMut;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, SinkExt, TryFutureExt};
use tokio::net::TcpStream;

use crate::client_stream::ClientStream;
use crate::connections::CountedConnection;

/// A connection whose client asks for an upgrade.
type Connection = Framed<ClientStream, Codec>;

type Serving = LocalBoxFuture<'static, ()>;

/// Serves a connection whose upgrade is accepted.
pub(crate) struct Handover(Box<dyn FnOnce(UpgradedStream, CountedConnection) -> Serving>);

/// A connection whose upgrade is accepted.
pub(crate) struct UpgradedStream {
    pub(crate) stream: TcpStream,
    /// What the client has sent after its request.
    pub(crate) received: Vec<u8>,
    /// The response, which is still to be sent.
    pub(crate) response: BytesMut,
}

impl Handover {
    /// Serves with this function.
    pub(crate) fn new<Served: Future<Output = ()> + 'static>(
        serve: impl FnOnce(UpgradedStream) -> Served + 'static,
    ) -> Self {
        Self(Box::new(|upgraded, counted| {
            serve(upgraded).map(|()| drop(counted)).boxed_local()
        }))
    }
}

/// Answers requests for an upgrade with the application, and serves the connections that it accepts.
pub(crate) fn serve_upgrades<App>(
    app: App,
) -> impl ServiceFactory<
    (Request, Connection),
    Config = (),
    Response = (),
    Error = Error,
    InitError = App::InitError,
    Future: 'static,
>
where
    App: ServiceFactory<Request, Config = (), Error = Error, Future: 'static> + 'static,
    App::Response: Into<Response<BoxBody>>,
    <App::Service as Service<Request>>::Future: 'static,
{
    apply_fn_factory(app, |(request, connection), app: &App::Service| {
        let answering = app.call(request);
        let handing_over = async move {
            let response = answering.await.map_or_else(Response::from, Into::into);
            answer(response, connection).await
        };
        // The memory of the answer is freed before the connection is served.
        handing_over
            .boxed_local()
            .and_then(|serving| serving.map(Ok))
    })
}

/// Sends a response, unless it accepts the upgrade. Returns what is left to do with the connection.
async fn answer(
    mut response: Response<BoxBody>,
    mut connection: Connection,
) -> Result<Serving, Error> {
    let handover = response.extensions_mut().remove::<Handover>();
    let (mut head, body) = response.into_parts();
    let Some(Handover(serve)) = handover else {
        head.head_mut().set_connection_type(ConnectionType::Close);
        send(head, body, connection).await?;
        return Ok(ready(()).boxed_local());
    };
    Pin::new(&mut connection).write(Message::Item((head, BodySize::None)))?;
    let connection = connection.into_parts();
    let parts = connection.io.into_parts();
    let (stream, counted) = parts.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
    let upgraded = UpgradedStream {
        stream,
        received: connection.read_buf.to_vec(),
        response: connection.write_buf,
    };
    Ok(serve(upgraded, counted))
}

/// Sends a response that refuses the upgrade or ignores it, and ends the connection.
async fn send(head: Response<()>, body: BoxBody, mut connection: Connection) -> Result<(), Error> {
    connection.send(Message::Item((head, body.size()))).await?;
    let mut body = pin!(body);
    while let Some(piece) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let piece = Message::Chunk(Some(
            piece.map_err(actix_web::error::ErrorInternalServerError)?,
        ));
        connection.send(piece).await?;
    }
    connection.send(Message::Chunk(None)).await?;
    connection.close().await?;
    Ok(())
}

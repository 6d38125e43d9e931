//! Connects the sockets of a client, and reads them until it is dropped.

use std::time::Duration;

use jupyter_protocol::ConnectionInfo;
use jupyter_zmq_client::{
    ClientIoPubConnection, create_client_control_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peer_identity_for_session,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use uuid::Uuid;
use zeromq::{DealerSocket, SocketRecv, SocketSend, ZmqMessage};

use super::inbox::Inbox;
use super::{Client, ClientError};
use crate::protocol::transport::{Message, Signer};

/// A kernel without `iopub_welcome` is believed to have subscribed us after this.
const WELCOME_PATIENCE: Duration = Duration::from_secs(1);

impl Client {
    /// Connects to a kernel that somebody else started.
    pub async fn connect(info: &ConnectionInfo) -> Result<Self, ClientError> {
        let (sender, ended) = watch::channel(false);
        let mut client = Self::connect_until(info, ended).await?;
        client._attached = Some(sender);
        Ok(client)
    }

    /// The same; `ended` becomes true when the process is gone.
    pub(crate) async fn connect_until(
        info: &ConnectionInfo,
        ended: watch::Receiver<bool>,
    ) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Connect { source };
        let session = Uuid::new_v4().to_string();
        let signer = Signer::new(&info.key);
        let inbox = Inbox::default();
        let identity = peer_identity_for_session(&session).map_err(failed)?;
        let iopub = create_client_iopub_connection(info, "", &session).await.map_err(failed)?;
        let shell = create_client_shell_connection_with_identity(info, &session, identity.clone());
        let shell = shell.await.map_err(failed)?.socket;
        let stdin = create_client_stdin_connection_with_identity(info, &session, identity);
        let stdin = stdin.await.map_err(failed)?.socket;
        let control = create_client_control_connection(info, &session).await.map_err(failed)?.socket;

        let mut tasks = Vec::new();
        let (welcome, welcomed) = oneshot::channel();
        tasks.push(tokio::spawn(subscribe(iopub, signer.clone(), inbox.clone(), welcome)).abort_handle());
        let dealer = |socket, replies| dealer(socket, &signer, &inbox, replies);
        let (shell, shell_tasks) = dealer(shell, true);
        let (control, control_tasks) = dealer(control, true);
        let (stdin, stdin_tasks) = dealer(stdin, false);
        tasks.extend(shell_tasks.into_iter().chain(control_tasks).chain(stdin_tasks));
        let client = Self { session, shell, control, stdin, inbox, ended, _attached: None, tasks };
        let _ = tokio::time::timeout(WELCOME_PATIENCE, welcomed).await;
        Ok(client)
    }
}

/// Reads IOPub; the first message, whatever it is, shows that the subscription stands.
async fn subscribe(mut iopub: ClientIoPubConnection, signer: Signer, inbox: Inbox, welcome: oneshot::Sender<()>) {
    let mut welcome = Some(welcome);
    while let Ok(frames) = iopub.socket.recv().await {
        if let Some(welcome) = welcome.take() {
            let _ = welcome.send(());
        }
        match Message::decode(frames.into_vec(), &signer) {
            Ok(message) => inbox.published(message),
            Err(error) => tracing::warn!(socket = "iopub", %error, "dropped a malformed message"),
        }
    }
}

/// Starts both directions of a DEALER socket; `replies` says what comes in on it.
fn dealer(
    socket: DealerSocket,
    signer: &Signer,
    inbox: &Inbox,
    replies: bool,
) -> (mpsc::UnboundedSender<Message>, [AbortHandle; 2]) {
    let (mut sender, mut receiver) = socket.split();
    let (queue, mut outgoing) = mpsc::unbounded_channel::<Message>();
    let signing = signer.clone();
    let sending = tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            let Ok(frames) = ZmqMessage::try_from(message.encode(&signing)) else {
                continue;
            };
            if let Err(error) = sender.send(frames).await {
                tracing::warn!(%error, "could not send a message");
            }
        }
    });
    let (verifying, inbox) = (signer.clone(), inbox.clone());
    let receiving = tokio::spawn(async move {
        while let Ok(frames) = receiver.recv().await {
            match Message::decode(frames.into_vec(), &verifying) {
                Ok(message) if replies => inbox.reply(message),
                Ok(message) => inbox.published(message),
                Err(error) => tracing::warn!(%error, "dropped a malformed message"),
            }
        }
    });
    (queue, [sending.abort_handle(), receiving.abort_handle()])
}

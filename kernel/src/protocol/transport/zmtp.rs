//! ZMTP 3.0 with the NULL mechanism, server side: greeting, READY, frames. The specification is
//! <https://rfc.zeromq.org/spec/23/>.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes and frames of one message that are kept; the rest is read and thrown away.
const MESSAGE_LIMIT: u64 = 256 << 20;
const FRAME_COUNT_LIMIT: usize = 4096;
/// A READY command is a few dozen bytes; a longer one is no peer of ours.
const COMMAND_LIMIT: u64 = 64 << 10;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// What a peer said of itself in its READY command.
#[derive(Debug, Default)]
pub(crate) struct PeerInfo {
    pub(crate) identity: Bytes,
}

/// One thing read from a peer.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Vec<Bytes>),
    Command,
    /// A message over the limit; its bytes were skipped.
    Oversized {
        bytes: u64,
    },
}

/// Exchanges greetings and READY commands. `socket_type` is what we say we are.
pub(crate) async fn handshake<S>(stream: &mut S, socket_type: &str) -> io::Result<PeerInfo>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut greeting = [0_u8; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting).await?;

    let mut theirs = [0_u8; 64];
    stream.read_exact(&mut theirs).await?;
    if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 {
        return Err(invalid("not a ZMTP 3 greeting"));
    }
    if &theirs[12..17] != b"NULL\0" {
        return Err(invalid("a security mechanism other than NULL"));
    }
    stream.write_all(&ready(socket_type)).await?;
    stream.flush().await?;

    let (flags, length) = read_frame_header(stream).await?;
    if flags & COMMAND == 0 || length > COMMAND_LIMIT {
        return Err(invalid("no READY command"));
    }
    parse_ready(&read_body(stream, length).await?).ok_or_else(|| invalid("a broken READY command"))
}

/// Reads the next message or command.
pub(crate) async fn read<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Incoming> {
    let mut frames = Vec::new();
    let mut oversized = false;
    let mut bytes: u64 = 0;
    loop {
        let (flags, length) = read_frame_header(reader).await?;
        if flags & COMMAND != 0 {
            skip(reader, length).await?;
            return Ok(Incoming::Command);
        }
        bytes = bytes.saturating_add(length);
        oversized |= bytes > MESSAGE_LIMIT || frames.len() >= FRAME_COUNT_LIMIT;
        if oversized {
            frames.clear();
            skip(reader, length).await?;
        } else {
            frames.push(read_body(reader, length).await?);
        }
        if flags & MORE == 0 {
            return Ok(if oversized { Incoming::Oversized { bytes } } else { Incoming::Message(frames) });
        }
    }
}

/// Writes one message; the caller flushes.
pub(crate) async fn write<W: AsyncWrite + Unpin>(writer: &mut W, frames: &[Bytes]) -> io::Result<()> {
    for (index, frame) in frames.iter().enumerate() {
        let more = if index + 1 < frames.len() { MORE } else { 0 };
        let mut header = BytesMut::with_capacity(9);
        put_frame_header(&mut header, more, frame.len());
        writer.write_all(&header).await?;
        writer.write_all(frame).await?;
    }
    Ok(())
}

fn ready(socket_type: &str) -> BytesMut {
    let mut body = BytesMut::new();
    body.put_u8(5);
    body.put_slice(b"READY");
    for (name, value) in [("Socket-Type", socket_type), ("Identity", "")] {
        body.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        body.put_slice(name.as_bytes());
        body.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        body.put_slice(value.as_bytes());
    }
    let mut frame = BytesMut::new();
    put_frame_header(&mut frame, COMMAND, body.len());
    frame.put(body);
    frame
}

fn parse_ready(body: &[u8]) -> Option<PeerInfo> {
    let mut rest = body.strip_prefix(b"\x05READY")?;
    let mut info = PeerInfo::default();
    while let Some((&length, tail)) = rest.split_first() {
        let (name, tail) = tail.split_at_checked(usize::from(length))?;
        let (length, tail) = tail.split_first_chunk::<4>()?;
        let (value, tail) = tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        if name.eq_ignore_ascii_case(b"Identity") {
            // Longer identities are not allowed by the specification.
            info.identity = Bytes::copy_from_slice(value.get(..value.len().min(255))?);
        }
        rest = tail;
    }
    Some(info)
}

fn put_frame_header(buffer: &mut BytesMut, flags: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short) => {
            buffer.put_u8(flags);
            buffer.put_u8(short);
        }
        Err(_) => {
            buffer.put_u8(flags | LONG);
            buffer.put_u64(length as u64);
        }
    }
}

async fn read_frame_header<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<(u8, u64)> {
    let flags = reader.read_u8().await?;
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(invalid("reserved bits in a frame header"));
    }
    let length = if flags & LONG == 0 { u64::from(reader.read_u8().await?) } else { reader.read_u64().await? };
    Ok((flags, length))
}

/// Memory grows with what arrives, not with what the header claims.
async fn read_body<R: AsyncRead + Unpin>(reader: &mut R, length: u64) -> io::Result<Bytes> {
    let mut body = Vec::with_capacity(usize::try_from(length.min(64 << 10)).unwrap_or(0));
    reader.take(length).read_to_end(&mut body).await?;
    if body.len() as u64 == length { Ok(Bytes::from(body)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn skip<R: AsyncRead + Unpin>(reader: &mut R, length: u64) -> io::Result<()> {
    let skipped = tokio::io::copy(&mut reader.take(length), &mut tokio::io::sink()).await?;
    if skipped == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_survive_the_round_trip() {
        let frames = vec![Bytes::new(), Bytes::from_static(b"a"), Bytes::from(vec![7; 300])];
        let mut wire = Vec::new();
        write(&mut wire, &frames).await.unwrap();
        let Incoming::Message(read) = read(&mut wire.as_slice()).await.unwrap() else { panic!("no message") };
        assert_eq!(read, frames);
    }

    #[tokio::test]
    async fn a_claim_of_a_petabyte_costs_no_memory_and_is_an_end_of_file() {
        let mut wire = vec![LONG];
        wire.extend_from_slice(&(1_u64 << 50).to_be_bytes());
        wire.extend_from_slice(b"three bytes follow");
        let error = read(&mut wire.as_slice()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn too_many_frames_are_skipped_and_the_next_message_is_read() {
        let mut wire = [MORE, 0].repeat(FRAME_COUNT_LIMIT + 5);
        wire.extend_from_slice(&[0, 1, b'x', 0, 1, b'y']);
        let mut reader = wire.as_slice();
        assert!(matches!(read(&mut reader).await.unwrap(), Incoming::Oversized { bytes: 1 }));
        let Incoming::Message(next) = read(&mut reader).await.unwrap() else { panic!("no message") };
        assert_eq!(next, [Bytes::from_static(b"y")]);
    }

    #[test]
    fn a_ready_command_of_any_length_is_parsed_or_refused() {
        let whole = ready("DEALER");
        let body = &whole[2..];
        assert!(parse_ready(body).is_some());
        for length in 0..body.len() {
            let _ = parse_ready(&body[..length]);
        }
        assert!(parse_ready(b"\x05READY\xff").is_none());
    }
}

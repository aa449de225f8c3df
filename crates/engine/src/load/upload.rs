//! Local files on their way to a bucket.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Destination, Error};

/// Size of the parts of a large file, in bytes. S3 takes 10,000 of them.
const PART_BYTES: usize = 8 << 20;

/// Parts of a file that are under way at once: with one that is being read, 40 MiB are in memory.
const PARTS_AT_ONCE: usize = 4;

/// Uploads a file whose place nobody else writes to.
///
/// An upload whose answer is lost is looked for, and tried once more where it isn't whole.
pub(super) async fn upload(
    destination: &Destination,
    file: &Path,
    relative: &str,
) -> Result<(), Error> {
    let mut source = File::open(file)
        .await
        .map_err(Error::local_file("open", file))?;
    let metadata = source.metadata().await;
    let size = metadata.map_err(Error::local_file("open", file))?.len();
    let to = destination.object(relative);
    let Err(first) = send(destination, &mut source, file, size, &to).await else {
        return Ok(());
    };
    if !matches!(first, Error::Store { .. }) {
        return Err(first);
    }
    let arrived = destination.store.head(&to).await;
    if arrived.is_ok_and(|object| object.size == size) {
        return Ok(());
    }
    source
        .rewind()
        .await
        .map_err(Error::local_file("read", file))?;
    send(destination, &mut source, file, size, &to).await
}

async fn send(
    destination: &Destination,
    source: &mut File,
    file: &Path,
    size: u64,
    to: &ObjectPath,
) -> Result<(), Error> {
    let failed = || Error::store("upload", to.as_ref());
    if size <= PART_BYTES as u64 {
        let part = read_part(source, file).await?;
        let put = destination.store.put(to, PutPayload::from(part)).await;
        return put.map(drop).map_err(failed());
    }
    let upload = destination
        .store
        .put_multipart(to)
        .await
        .map_err(failed())?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    loop {
        let part = match read_part(source, file).await {
            Ok(part) if part.is_empty() => break,
            Ok(part) => match upload.wait_for_capacity(PARTS_AT_ONCE).await {
                Ok(()) => part,
                Err(error) => {
                    // What can't be given up now, the bucket's lifecycle rule removes.
                    drop(upload.abort().await);
                    return Err(failed()(error));
                }
            },
            Err(error) => {
                drop(upload.abort().await);
                return Err(error);
            }
        };
        upload.put(part);
    }
    upload.finish().await.map(drop).map_err(failed())
}

/// The next part of a file; empty at its end.
async fn read_part(source: &mut File, file: &Path) -> Result<Bytes, Error> {
    let mut part = BytesMut::with_capacity(PART_BYTES);
    let mut rest = source.take(PART_BYTES as u64);
    while rest
        .read_buf(&mut part)
        .await
        .map_err(Error::local_file("read", file))?
        > 0
    {}
    Ok(part.freeze())
}

//! What the proxy does to bytes, seen from the client.

use super::*;

/// A server that answers each byte with 2000 others.
async fn server() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    stream.write_all(&[byte; 2000]).await.unwrap();
                }
            });
        }
    });
    (address, serving)
}

/// What comes back for a text until the connection ends, or 2000 bytes for each of it have come.
async fn ask(proxy: &FaultProxy, text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(proxy.address()).await?;
    stream.write_all(text).await?;
    let (mut answer, mut buffer) = (Vec::new(), vec![0; BUFFER]);
    while answer.len() < 2000 * text.len() {
        match stream.read(&mut buffer).await? {
            0 => break,
            len => answer.extend_from_slice(&buffer[..len]),
        }
    }
    Ok(answer)
}

#[tokio::test]
async fn bytes_pass_until_something_is_to_go_wrong() {
    let (address, _serving) = server().await;
    let proxy = FaultProxy::start(&address).await.unwrap();
    assert_eq!(ask(&proxy, b"x").await.unwrap(), vec![b'x'; 2000]);
    for harmless in [NetworkFault::Delay, NetworkFault::Drip] {
        proxy.disturb(Some(harmless));
        assert_eq!(ask(&proxy, b"x").await.unwrap(), vec![b'x'; 2000]);
    }
    assert!(proxy.hits() >= 2);
    proxy.disturb(Some(NetworkFault::Truncate));
    let cut = ask(&proxy, b"x").await.unwrap();
    assert_eq!(cut, vec![b'x'; NetworkFault::TRUNCATED_AT]);
    proxy.disturb(Some(NetworkFault::Reset));
    let broken = ask(&proxy, b"x").await.unwrap_err();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    proxy.disturb(None);
    let before = proxy.hits();
    assert_eq!(ask(&proxy, b"x").await.unwrap().len(), 2000);
    assert_eq!(proxy.hits(), before);
}

#[tokio::test]
async fn only_http_can_be_told_that_the_server_is_out_of_order() {
    let (address, _serving) = server().await;
    let proxy = FaultProxy::start(&address).await.unwrap();
    proxy.disturb(Some(NetworkFault::ServerError));
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(ask(&proxy, request).await.unwrap(), OUT_OF_ORDER);
    assert_eq!(proxy.hits(), 1);
    assert_eq!(ask(&proxy, b"\x16").await.unwrap().len(), 2000);
    assert_eq!(proxy.hits(), 1);
}

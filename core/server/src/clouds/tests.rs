//! The client against answers that providers should not give. The whole way to a grant, with a
//! provider that checks signatures, is in the tests of the whole program.

use causeway_model::ports::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn client() -> ProviderClient {
    // Fails only when another test of this process has installed it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    ProviderClient::new(Path::new("/nonexistent"), Arc::new(SystemClock)).unwrap()
}

fn cloud(url: &str) -> CloudStorage {
    CloudStorage {
        app_key: "key".into(),
        app_secret: Secret::new("hush"),
        service_api_url: url.into(),
        ..CloudStorage::new("D")
    }
}

fn token() -> CloudToken {
    CloudToken {
        token: Secret::new("token"),
        secret: Secret::new("hush"),
    }
}

/// A provider for one request; gives its URL and, in the end, the first line of the request.
async fn provider(status: u16, body: &str) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base/", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|it| it == b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        // A client that has read enough hangs up.
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
        let text = String::from_utf8(request).unwrap();
        text.lines().next().unwrap().to_owned()
    });
    (url, served)
}

#[tokio::test]
async fn answers_about_tokens() {
    let client = client();
    let cases = [
        (200, "oauth_token_secret=a%2Fb&oauth_token=c&uid=1", "given"),
        (200, "oauth_token=c", "its answer holds no token"),
        (
            200,
            "oauth_token=&oauth_token_secret=a",
            "its answer holds no token",
        ),
        (200, "{\"error\": \"hush\"}", "its answer holds no token"),
        (401, "hush", "refuses with status 401"),
        (400, "hush", "refuses with status 400"),
        (404, "hush", "it gives no tokens"),
        (302, "hush", "it answers with status 302"),
        (500, "hush", "it answers with status 500"),
    ];
    for (status, body, expected) in cases {
        let (url, served) = provider(status, body).await;
        let said = match client.request_token(&cloud(&url)).await {
            Ok(it) => {
                assert_eq!((it.token.expose(), it.secret.expose()), ("c", "a/b"));
                "given".to_owned()
            }
            Err(trouble) => trouble.to_string(),
        };
        assert!(said.contains(expected) && !said.contains("hush"), "{said}");
        let line = served.await.unwrap();
        assert_eq!(line, "POST /base/1/oauth/request_token HTTP/1.1");
    }
    let long = "x".repeat(MAX_TOKEN + 1);
    let (url, _served) = provider(200, &long).await;
    let trouble = client.request_token(&cloud(&url)).await.unwrap_err();
    assert_eq!(trouble, unavailable("the answer is too large"));
}

#[tokio::test]
async fn answers_about_files() {
    let client = client();
    let (url, served) = provider(200, "{\"contents\": []}").await;
    let path = "d/e f/%/ä?#";
    let content = client.content(&cloud(&url), &token(), path).await.unwrap();
    assert_eq!(content.0, "{\"contents\": []}");
    let line = served.await.unwrap();
    let expected = "GET /base/1/metadata/auto/d/e%20f/%25/%C3%A4%3F%23?list=true HTTP/1.1";
    assert_eq!(line, expected);
    let (url, served) = provider(200, "<html>hush</html>").await;
    let trouble = client.link(&cloud(&url), &token(), "f").await.unwrap_err();
    assert_eq!(trouble, unavailable("its answer is not JSON"));
    assert_eq!(served.await.unwrap(), "POST /base/1/media/auto/f HTTP/1.1");
    let (url, _served) = provider(404, "{}").await;
    let trouble = client.link(&cloud(&url), &token(), "f").await.unwrap_err();
    assert_eq!(trouble, CloudTrouble::NotFound);
}

#[tokio::test]
async fn urls_that_lead_nowhere() {
    let client = client();
    for url in ["", "no url", "mailto:a@b"] {
        let trouble = client.request_token(&cloud(url)).await.unwrap_err();
        let expected = unavailable("its service_api_url is no URL");
        assert_eq!(trouble, expected, "{url}");
    }
    // Tokens go over TLS, but for those who are at home. This name is never looked up.
    let elsewhere = cloud("http://provider.invalid/");
    let trouble = client.request_token(&elsewhere).await.unwrap_err();
    assert!(
        trouble.to_string().contains("URL scheme is not allowed"),
        "{trouble}"
    );
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let trouble = client.request_token(&cloud(&url)).await.unwrap_err();
    assert!(matches!(trouble, CloudTrouble::Unavailable(_)), "{trouble}");
}

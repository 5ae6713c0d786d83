//! Replies inside of security, from a server double that has a certificate: whatever their
//! protection is called, in one line or in several, and never without any.

mod data_support;
mod gsi_support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_gridftp_wire::{Error, ErrorKind};
use gsi_support::Double;

/// Size that a session tells with a double that puts its answers into lines like this.
async fn size(protect: impl Fn(&mut Double, &str) -> Vec<String>) -> Result<u64, Error> {
    gsi_support::size(async |double, text| {
        for line in protect(double, text) {
            double.say(&line).await;
        }
    })
    .await
}

#[tokio::test]
async fn replies_count_whatever_their_protection_is_called() {
    for code in ["631", "632", "633"] {
        let told = size(|double, text| vec![format!("{code} {}", double.seal(text))]).await;
        assert_eq!(told.unwrap(), 42, "{code}");
    }
}

#[tokio::test]
async fn a_long_reply_may_come_in_many_lines() {
    let told = size(|double, text| {
        let (head, tail) = text.split_at(text.len() / 2);
        let first = format!("632-{}", double.seal(head));
        vec![first, format!("632 {}", double.seal(tail))]
    });
    assert_eq!(told.await.unwrap(), 42);
    // And two replies in one.
    let told = size(|double, text| {
        let before = match text.starts_with("213") {
            true => "112-Perf Marker\r\n Stripe Index: 0\r\n112 End.\r\n",
            false => "",
        };
        vec![format!("632 {}", double.seal(&format!("{before}{text}")))]
    });
    assert_eq!(told.await.unwrap(), 42);
}

#[tokio::test]
async fn a_reply_without_protection_is_refused() {
    let told = size(|_, text| vec![text.trim_end().to_owned()]).await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn bytes_changed_on_the_way_are_refused() {
    let told = size(|double, text| {
        let mut records = STANDARD.decode(double.seal(text)).unwrap();
        let last = records.last_mut().unwrap();
        *last ^= 1;
        vec![format!("632 {}", STANDARD.encode(records))]
    });
    assert_eq!(told.await.unwrap_err().kind(), ErrorKind::Tls);
    let told = size(|_, _| vec!["632 not!base64".to_owned()]).await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Protocol);
}

use causeway_model::oauth::OAuthUser;

use super::*;

fn user(dn: &str) -> OAuthUser {
    OAuthUser {
        user_dn: dn.to_owned(),
        delegation_id: "d".to_owned(),
        voms_cred: vec![],
    }
}

fn token(number: u8, dn: &str, end: i64) -> (TokenHash, OAuthToken) {
    let token = OAuthToken {
        client_id: "c".to_owned(),
        user: user(dn),
        scope: vec![],
        expires: Timestamp(end),
        refresh: TokenHash([number ^ 0x80; 32]),
        refresh_expires: Timestamp(end + 10),
    };
    (TokenHash([number; 32]), token)
}

fn add(table: &mut OAuthTable, number: u8, dn: &str, end: i64, now: i64) {
    let (hash, row) = token(number, dn, end);
    for write in table.with_token(hash, row, Timestamp(now)) {
        table.apply(write);
    }
}

fn is_empty(table: &OAuthTable) -> bool {
    table.tokens.is_empty()
        && table.codes.is_empty()
        && table.by_refresh.is_empty()
        && table.by_user.is_empty()
        && table.ends.is_empty()
}

#[test]
fn the_oldest_token_of_a_user_goes() {
    let mut table = OAuthTable::default();
    add(&mut table, 100, "other", 1, 0);
    for number in 0..=TOKENS as u8 {
        add(&mut table, number, "me", 1000 + i64::from(number), 0);
    }
    assert_eq!(table.tokens_of("me").len(), TOKENS);
    assert_eq!(table.tokens_of("m").len(), 0);
    assert!(table.token(TokenHash([0; 32])).is_none());
    assert!(table.token(TokenHash([1; 32])).is_some());
    assert!(table.token(TokenHash([100; 32])).is_some());
}

#[test]
fn what_has_expired_goes_with_the_next_change() {
    let mut table = OAuthTable::default();
    add(&mut table, 1, "me", 10, 0);
    // The token has ended, but can be renewed until 20.
    add(&mut table, 2, "me", 100, 15);
    assert_eq!(table.tokens_of("me").len(), 2);
    add(&mut table, 3, "me", 100, 20);
    assert_eq!(table.tokens_of("me").len(), 2);
    for write in table.without_tokens("c", "me") {
        table.apply(write);
    }
    assert!(is_empty(&table), "{table:?}");
}

#[test]
fn an_application_takes_everything_along() {
    let mut table = OAuthTable::default();
    add(&mut table, 1, "me", 10, 0);
    add(&mut table, 2, "other", 10, 0);
    let code = OAuthCode {
        client_id: "c".to_owned(),
        user: user("me"),
        redirect_uri: String::new(),
        scope: vec![],
        expires: Timestamp(5),
        challenge: None,
    };
    for write in table.with_code(TokenHash([9; 32]), code, Timestamp(0)) {
        table.apply(write);
    }
    assert!(table.code(TokenHash([9; 32]), "c").is_some());
    assert!(table.code(TokenHash([9; 32]), "d").is_none());
    for write in table.without_app("c") {
        table.apply(write);
    }
    assert!(is_empty(&table), "{table:?}");
}

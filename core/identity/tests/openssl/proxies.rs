//! RFC 3820 proxies, good and bad.

use causeway_identity::dn;
use causeway_identity::issue::{
    Authority, Credential, DAY, DIGITAL_SIGNATURE, Extension, KEY_ENCIPHERMENT,
};

use crate::case::{Case, case, check_all};
use crate::chains::{INDEPENDENT, INHERIT_ALL, LIMITED, issued, joined, policy, with_extensions};
use crate::support::{HOUR, NOW, USER_DN, World, world};

#[test]
fn proxies_that_are_good() {
    let world = world();
    let one = world.proxy();
    let two = world.proxy_with(&one, |_| {});
    let three = world.proxy_with(&two, |_| {});
    let counted = world.proxy_with(
        &with_extensions(world, policy(INHERIT_ALL, Some(1))),
        |_| {},
    );
    let loose_below_tight = {
        let parent = with_extensions(world, policy(INHERIT_ALL, Some(1)));
        world.proxy_with(&parent, |fields| {
            fields.extensions = policy(INHERIT_ALL, Some(5))
        })
    };
    let shuffled: Vec<_> = [0, 2, 1]
        .iter()
        .map(|index| two.chain()[*index].clone())
        .collect();
    let longer = world.proxy_with(&world.user, |fields| fields.not_after = NOW + 1000 * DAY);
    check_all(vec![
        case("one proxy", &one, true),
        case("two proxies", &two, true),
        case("three proxies", &three, true),
        Case {
            chain: shuffled,
            ..case("rest of the chain in any order", &two, true)
        },
        case(
            "limited proxy",
            &with_extensions(world, policy(LIMITED, None)),
            true,
        ),
        case("path length kept", &counted, true),
        case(
            "looser path length below a tight one",
            &loose_below_tight,
            true,
        )
        .differs("openssl adds the looser length up; RFC 3820 takes the smaller of both"),
        case("proxy that outlives its issuer, in time", &longer, true),
        case("clock behind by three minutes", &one, true)
            .at(NOW - 8 * 60)
            .differs("five minutes of tolerance on notBefore"),
    ]);
}

#[test]
fn proxies_that_are_bad() {
    let world = world();
    let one = world.proxy();
    let counted = with_extensions(world, policy(INHERIT_ALL, Some(0)));
    let over_path = world.proxy_with(&counted, |_| {});
    let renamed = |name: &str| {
        world.proxy_with(&world.user, |fields| {
            fields.subject = dn::encode(name).unwrap()
        })
    };
    let wrong_signer = {
        let fields = world
            .user
            .proxy_fields(
                world.spare.public_key(),
                causeway_identity::issue::ProxyOptions::lasting(HOUR),
                NOW,
            )
            .unwrap();
        let forged = fields.sign(world.other.key()).unwrap();
        vec![forged, world.user.chain()[0].clone()]
    };
    let with = |extra: Extension| {
        let mut extensions = policy(INHERIT_ALL, None);
        extensions.push(extra);
        with_extensions(world, extensions)
    };
    let no_signing = issued(world, |fields| {
        fields.extensions[1] = Extension::key_usage(KEY_ENCIPHERMENT)
    });
    let by_no_signing = world.proxy_with(&no_signing, |_| {});
    let by_authority = {
        let mut fields = world
            .ca
            .person_fields(
                "/DC=ch/DC=test/CN=Test CA/CN=1",
                world.spare.public_key(),
                NOW,
                HOUR,
            )
            .unwrap();
        fields.extensions = policy(INHERIT_ALL, None);
        joined(
            &world.ca.credential(&fields, world.spare.clone()).unwrap(),
            &[world.ca.certificate()],
        )
    };
    let of_stranger = {
        let stranger = Authority::new("/DC=ch/DC=test/CN=Stranger", NOW - DAY, 100 * DAY).unwrap();
        world.proxy_with(
            &stranger.user(USER_DN, NOW - DAY, 10 * DAY).unwrap(),
            |_| {},
        )
    };
    check_all(vec![
        case("expired proxy", &one, false).at(NOW + 13 * HOUR),
        case("proxy far from valid", &one, false).at(NOW - HOUR),
        case(
            "expired person, fresh proxy",
            &world.proxy_with(&world.user, |fields| fields.not_after = NOW + 400 * DAY),
            false,
        )
        .at(NOW + 310 * DAY),
        case("path length exceeded", &over_path, false),
        case(
            "subject is somebody else's",
            &renamed("/DC=ch/DC=test/OU=Users/CN=Somebody Else/CN=1"),
            false,
        ),
        case(
            "subject has two names more",
            &renamed(&format!("{USER_DN}/CN=1/CN=2")),
            false,
        ),
        case("subject is the issuer's", &renamed(USER_DN), false),
        case(
            "subject ends in another type",
            &renamed(&format!("{USER_DN}/OU=1")),
            false,
        ),
        Case {
            chain: wrong_signer,
            ..case("wrong signer", &one, false)
        },
        Case {
            chain: one.chain()[..1].to_vec(),
            ..case("person's certificate missing", &one, false)
        },
        Case {
            chain: by_authority,
            ..case("issued by an authority", &one, false)
        },
        case("of an untrusted authority", &of_stranger, false),
        case(
            "claims to be an authority",
            &with(Extension::basic_constraints(true, None)),
            false,
        ),
        case(
            "with a host name",
            &with(Extension::alternative_names(&["victim.example"])),
            false,
        ),
        case(
            "with an unknown critical extension",
            &with(Extension::new("1.2.3.4", true, vec![5, 0])),
            false,
        ),
        case("person may not sign", &by_no_signing, false),
        case(
            "proxy policy missing",
            &with_extensions(world, vec![Extension::key_usage(DIGITAL_SIGNATURE)]),
            false,
        ),
        case(
            "independent language",
            &with_extensions(world, policy(INDEPENDENT, None)),
            false,
        )
        .differs("openssl leaves the policy language to the application"),
        case(
            "unknown language",
            &with_extensions(world, policy("1.2.3.4", None)),
            false,
        )
        .differs("openssl leaves the policy language to the application"),
        case("policy not critical", &not_critical(world), false)
            .differs("openssl does not ask for the critical mark"),
    ]);
}

fn not_critical(world: &World) -> Credential {
    // SEQUENCE { SEQUENCE { OID inherit-all } }
    let value = vec![
        0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 21, 1,
    ];
    with_extensions(
        world,
        vec![Extension::new("1.3.6.1.5.5.7.1.14", false, value)],
    )
}

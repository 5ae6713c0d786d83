use super::*;

fn key(vo: &str, storage: &str) -> GroupKey {
    GroupKey {
        owner: Owner {
            cred_id: "c".into(),
            user_dn: "/CN=u".into(),
            vo_name: "v".into(),
        },
        vo: vo.into(),
        storage: storage.into(),
        space_token: String::new(),
    }
}

struct Table {
    gathering: Gathering,
    now: Instant,
    room: usize,
}

impl Table {
    fn new() -> Self {
        Self {
            gathering: Gathering::default(),
            now: Instant::now(),
            room: usize::MAX,
        }
    }

    fn add(&mut self, vo: &str, files: std::ops::Range<u64>) {
        for file in files {
            let bulk = || 10;
            self.gathering
                .add(key(vo, "s"), FileId(file), self.now, bulk);
        }
    }

    fn take(&mut self) -> Option<Bulk> {
        let pace = Pace {
            now: self.now,
            patience: Duration::from_secs(300),
        };
        self.gathering.take(pace, |_| self.room)
    }

    fn taken(&mut self) -> Option<usize> {
        self.take().map(|it| it.files.len())
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_file_goes_at_once() {
    let mut table = Table::new();
    table.add("a", 0..1);
    assert_eq!(table.taken(), Some(1));
    assert_eq!(table.taken(), None);
}

#[tokio::test(start_paused = true)]
async fn while_one_is_sent_the_next_fills() {
    let mut table = Table::new();
    table.add("a", 0..1);
    let first = table.take().unwrap();
    table.add("a", 1..5);
    assert_eq!(table.taken(), None);
    table.add("a", 5..16);
    assert_eq!(table.taken(), Some(10), "a full bulk waits for nobody");
    assert_eq!(table.taken(), None);
    table.gathering.sent(first.group);
    assert_eq!(table.taken(), None, "the second is still being sent");
    table.gathering.sent(first.group);
    assert_eq!(table.taken(), Some(5));
    table.gathering.sent(first.group);
    assert!(table.gathering.groups.is_empty() && table.gathering.ids.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_longer_than_it_may() {
    let mut table = Table::new();
    table.add("a", 9..10);
    assert_eq!(table.taken(), Some(1));
    table.add("a", 0..3);
    assert_eq!(table.taken(), None);
    let until = table.gathering.next_filled().unwrap();
    assert_eq!(until, table.now + Duration::from_secs(300));
    table.gathering.wake_filling();
    assert_eq!(table.taken(), None);
    table.now = until;
    table.gathering.wake_filling();
    assert_eq!(table.taken(), Some(3));
    assert_eq!(table.gathering.next_filled(), None);
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_a_group_until_there_is_room() {
    let mut table = Table::new();
    table.room = 2;
    table.add("a", 0..3);
    assert_eq!(table.taken(), Some(2));
    table.room = 0;
    assert_eq!(table.taken(), None);
    table.add("a", 3..30);
    assert_eq!(table.taken(), None);
    table.room = 7;
    table.gathering.room_at(&("a".into(), "s".into()));
    assert_eq!(table.taken(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn groups_take_turns_and_do_not_mix() {
    let mut table = Table::new();
    table.add("a", 0..25);
    table.add("b", 25..40);
    let vos: Vec<_> = (0..3).filter_map(|_| table.take()).collect();
    let vos: Vec<&str> = vos.iter().map(|it| &*it.key.vo).collect();
    assert_eq!(vos, ["a", "b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_removed_file_is_not_sent() {
    let mut table = Table::new();
    table.add("a", 0..2);
    let group = table.gathering.ids[&key("a", "s")];
    assert!(table.gathering.remove(group, FileId(0)));
    assert!(!table.gathering.remove(group, FileId(0)));
    assert_eq!(table.take().unwrap().files, [FileId(1)]);
    table.gathering.sent(group);
    assert!(table.gathering.groups.is_empty());
}

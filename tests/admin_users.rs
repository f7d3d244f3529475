//! Accounts as an admin lists, searches and pages through them.

use saryno::users::Flag;
use serde_json::{Value, json};

use crate::channels::{id, people};
use crate::desk::Desk;
use crate::operate::Operate;
use crate::support::{Account, Server};

/// The ids in a list of accounts.
fn listed(list: &Value) -> Vec<String> {
    let accounts = list.as_array().unwrap().iter();
    accounts.map(|account| id(&account["user"])).collect()
}

/// The ids that a search finds, over all its pages of three.
async fn found(desk: &Desk, query: &str) -> Vec<String> {
    let pages = desk.pages(&format!("/users?limit=3&{query}")).await;
    let (last, full) = pages.split_last().unwrap();
    assert!(full.iter().all(|page| page.len() == 3), "{query}");
    assert!(full.is_empty() || !last.is_empty(), "{query}");
    listed(&json!(pages.concat()))
}

/// The tags that a search finds, in its order.
async fn tags(desk: &Desk, query: &str) -> Vec<String> {
    let pages = desk.pages(&format!("/users?limit=3&{query}")).await;
    let tag = |account: &Value| {
        let user = &account["user"];
        format!(
            "{}#{}",
            user["username"].as_str().unwrap(),
            user["discriminator"].as_str().unwrap()
        )
    };
    pages.concat().iter().map(tag).collect()
}

/// Text as it stands in a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |query, byte| format!("{query}%{byte:02X}"))
}

fn ids_of(accounts: &[Account]) -> Vec<String> {
    accounts.iter().map(Account::id).collect()
}

async fn crowd(server: &Server, tags: &[(&str, u16)]) -> Vec<Account> {
    let mut made = Vec::new();
    for (name, discriminator) in tags {
        made.push(server.account_of(name, *discriminator).await);
    }
    made
}

fn reversed(mut ids: Vec<String>) -> Vec<String> {
    ids.reverse();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_everybody_once_newest_first_or_oldest_first() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/users").await.expect(200), json!([]));
    let mut made = Vec::new();
    for _ in 0..10 {
        made.push(desk.server.account("Ada").await);
    }
    let ids = ids_of(&made);
    assert_eq!(found(&desk, "order=oldest").await, ids);
    for query in ["", "order=newest", "search=", "search=%20%20"] {
        assert_eq!(found(&desk, query).await, reversed(ids.clone()), "{query}");
    }
    let first = &desk.get("/users").await.expect(200)[0];
    assert_eq!(
        *first,
        json!({"user": made[9].user, "disabled": false, "reason": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_shows_its_own_once_in_both_orders() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let mut all = Vec::new();
    for flags in [
        &[][..],
        &[Flag::Developer],
        &[Flag::Bot],
        &[Flag::System],
        &[Flag::Developer, Flag::Bot],
    ]
    .iter()
    .cycle()
    .take(40)
    {
        all.push(server.account_flagged("Ada", flags).await);
    }
    let at = |numbers: &[usize]| -> Vec<String> {
        let accounts = all.iter().enumerate();
        let wanted = accounts.filter(|(index, _)| numbers.contains(&(index % 5)));
        wanted.map(|(_, account)| account.id()).collect()
    };
    for account in &all[20..25] {
        server
            .store
            .set_disabled(account.user.id, true)
            .await
            .unwrap();
    }
    for account in &all[35..] {
        server.store.delete_user(account.user.id).await.unwrap();
    }
    let gone = ids_of(&all[35..]);
    let but_gone = |ids: Vec<String>| {
        ids.into_iter()
            .filter(|id| !gone.contains(id))
            .collect::<Vec<_>>()
    };
    for (filter, expected) in [
        ("developer", but_gone(at(&[1, 4]))),
        ("bot", but_gone(at(&[2, 4]))),
        ("system", but_gone(at(&[3]))),
        ("disabled", ids_of(&all[20..25])),
        ("deleted", gone.clone()),
    ] {
        let oldest = format!("filter={filter}&order=oldest");
        assert_eq!(found(&desk, &oldest).await, expected, "{filter}");
        let newest = format!("filter={filter}");
        assert_eq!(
            found(&desk, &newest).await,
            reversed(expected.clone()),
            "{filter}"
        );
        // By name, too: everybody is called the same.
        let mut by_name = found(&desk, &format!("{newest}&search=ad")).await;
        by_name.sort_unstable();
        let named = if filter == "deleted" {
            Vec::new()
        } else {
            expected
        };
        assert_eq!(by_name, named, "{filter}");
    }
    assert_eq!(found(&desk, "order=oldest").await, ids_of(&all[..35]));
    let tombstone = desk.get("/users?filter=deleted").await.expect(200);
    let shape = json!({"id": all[39].id(), "username": "Deleted User", "discriminator": "0000", "avatar": null, "flags": []});
    assert_eq!(
        tombstone[0],
        json!({"user": shape, "disabled": false, "reason": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_name_finds_it_whatever_the_case_in_the_order_of_names() {
    let desk = Desk::open().await;
    let all = [
        ("adam", 7),
        ("Ada", 2),
        ("ADA", 1),
        ("Bob", 1),
        ("adA", 9999),
        ("Ad", 3),
        ("Cy", 5),
        ("Straße", 1),
    ];
    crowd(&desk.server, &all).await;
    let ads = ["Ad#0003", "ADA#0001", "Ada#0002", "adA#9999", "adam#0007"];
    for search in ["ad", "AD", "%20Ad%20", "%E2%80%AEAd"] {
        assert_eq!(
            tags(&desk, &format!("search={search}")).await,
            ads,
            "{search}"
        );
    }
    assert_eq!(tags(&desk, "search=ada").await, ads[1..]);
    assert_eq!(tags(&desk, "search=ada&order=oldest").await, ads[1..]);
    assert_eq!(tags(&desk, "search=STRASSE").await, ["Straße#0001"]);
    assert_eq!(tags(&desk, "search=da").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_hash_find_its_holders_alone_and_digits_those_whose_own_begin_so() {
    let desk = Desk::open().await;
    let numbers = [1, 2, 10, 12, 99, 100, 101, 999, 1000, 1234, 9998, 9999];
    let holders: Vec<_> = numbers.map(|number| ("Ada", number)).into();
    crowd(&desk.server, &holders).await;
    crowd(&desk.server, &[("Adam", 1), ("Ad", 1)]).await;
    let tag = |number: &u16| format!("Ada#{number:04}");
    let all: Vec<_> = numbers.iter().map(tag).collect();
    for search in ["ada#", "ADA#"] {
        assert_eq!(
            tags(&desk, &format!("search={}", encoded(search))).await,
            all
        );
    }
    for digits in [
        "0", "00", "000", "001", "01", "1", "12", "123", "9", "99", "0001", "9999", "1234", "5",
        "5555", "0000",
    ] {
        let search = format!("search={}", encoded(&format!("Ada#{digits}")));
        let begins = numbers
            .iter()
            .filter(|number| format!("{number:04}").starts_with(digits));
        let expected: Vec<_> = begins.map(tag).collect();
        assert_eq!(tags(&desk, &search).await, expected, "{digits}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_finds_its_account_deleted_or_not_and_within_the_filter_if_there_is_one() {
    let desk = Desk::open().await;
    let [a, b] = people(&desk.server).await;
    let c = desk.server.account_of("123456789012345678", 1).await;
    desk.server.store.delete_user(b.user.id).await.unwrap();
    for (query, expected) in [
        (format!("search={}", a.id()), vec![a.id()]),
        (format!("search=%20{}%20", a.id()), vec![a.id()]),
        (format!("search={}&filter=bot", a.id()), vec![]),
        (format!("search={}", b.id()), vec![b.id()]),
        (format!("search={}&filter=disabled", b.id()), vec![]),
        (format!("search={}&filter=deleted", b.id()), vec![b.id()]),
        // A name may look like an id.
        ("search=123456789012345678".into(), vec![c.id()]),
        ("search=12345678901234567".into(), vec![c.id()]),
        ("search=99999999999999999999999".into(), vec![]),
    ] {
        assert_eq!(found(&desk, &query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_every_kind_are_found_over_all_pages() {
    let desk = Desk::open().await;
    let names = [
        "100% Ada",
        "%",
        "a&b=c+d",
        "Ada <img src=x>",
        "عربي",
        "שלום",
        "名前",
        "👩‍🚀",
        "Zoë",
        "a\\_b",
        "'; DROP",
        "?x=1",
    ];
    for name in names {
        let tags_of_it: Vec<_> = (1..=7).map(|number| (name, number)).collect();
        crowd(&desk.server, &tags_of_it).await;
    }
    for name in names {
        let expected: Vec<_> = (1..=7)
            .map(|number| format!("{name}#{number:04}"))
            .collect();
        for search in [name.to_owned(), format!("{name}#"), format!("{name}#00")] {
            let query = format!("search={}", encoded(&search));
            assert_eq!(tags(&desk, &query).await, expected, "{search}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_fits_nobody_finds_nobody_and_is_no_error() {
    let desk = Desk::open().await;
    crowd(&desk.server, &[("Ada", 1), ("Bob", 2)]).await;
    let long = "a".repeat(300);
    let long_in_arabic = "ع".repeat(300);
    for search in [
        "#",
        "##",
        "#0001",
        "Ada#00001",
        "Ada#x",
        "Ada#-1",
        "Ada#１",
        "ada#0001#",
        "%",
        "_",
        "*",
        "\"",
        "a%",
        "\u{0}",
        "\u{10FFFF}",
        "-1",
        long.as_str(),
        long_in_arabic.as_str(),
    ] {
        let query = format!("search={}", encoded(search));
        assert_eq!(tags(&desk, &query).await, [""; 0], "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_range_in_a_list_is_named() {
    let desk = Desk::open().await;
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=x", "limit", "wrong_type"),
        ("limit=0&search=a", "limit", "out_of_range"),
        ("filter=rich", "filter", "out_of_range"),
        ("order=random", "order", "out_of_range"),
        ("before=x", "before", "forbidden_character"),
        ("search=a&after=x", "after", "wrong_type"),
        ("search=a&after=a%23x", "after", "wrong_type"),
        ("before=1&after=2", "after", "not_allowed"),
    ] {
        let answer = desk.get(&format!("/users?{query}")).await;
        assert_eq!(
            answer.faults(),
            [(field.to_owned(), code.to_owned())],
            "{query}"
        );
    }
    desk.get("/users?limit=200").await.expect(200);
}

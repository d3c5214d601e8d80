//! Who may see and change what: two tenants and four roles on every way to a row, beside an oracle in plain SQL.

mod matrix;
mod oracles;
mod reads;
mod world;
mod writes;

use tests::database::ALL;
use world::{EVERYBODY, World};

#[tokio::test]
async fn nobody_reads_what_is_not_granted_on_any_way() {
    for dialect in ALL {
        let world = World::open(dialect).await;
        let mut asked = 0;
        for who in EVERYBODY {
            asked += reads::ask(&world, who).await;
        }
        println!("{dialect:?}: {asked} requests");
        assert!(asked > 2000, "{asked}");
    }
}

#[tokio::test]
async fn nobody_writes_what_is_not_granted_on_any_way() {
    for dialect in ALL {
        let world = World::open(dialect).await;
        let mut asked = 0;
        for (turn, who) in EVERYBODY.into_iter().enumerate() {
            asked += writes::ask(&world, who, turn).await;
        }
        println!("{dialect:?}: {asked} requests");
        assert!(asked > 2000, "{asked}");
    }
}

#[tokio::test]
async fn what_is_kept_is_as_if_it_were_not_there() {
    for dialect in ALL {
        let world = World::open(dialect).await;
        let asked = oracles::ask(&world).await;
        println!("{dialect:?}: {asked} pairs");
        assert!(asked > 300, "{asked}");
    }
}

#[tokio::test]
async fn the_matrix_of_the_files_is_what_the_server_answers() {
    for dialect in ALL {
        let world = World::open(dialect).await;
        assert_eq!(matrix::compare(&world).await, include_str!("access/matrix.txt"), "{dialect:?}");
    }
}

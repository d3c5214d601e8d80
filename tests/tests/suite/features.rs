//! The scenario families, each a folder under `tests/features`.

use tests::feature::{folder, run};

/// One test for each family, so that they are named and run side by side; and one that none is forgotten.
macro_rules! families {
    ($($family:ident)*) => {
        $(#[tokio::test]
        async fn $family() {
            run(stringify!($family)).await;
        })*

        #[test]
        fn every_family_is_played() {
            let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
            let mut found: Vec<String> = entries
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            found.sort();
            let mut played = vec![$(stringify!($family)),*];
            played.sort();
            assert_eq!(found, played);
        }
    };
}

families! { banking budget check_credit departments events inventory order_with_items payments raise }

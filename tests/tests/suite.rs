//! The cases, each run on PostgreSQL, MariaDB and SQLite. One binary, so that everything is linked once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod suite {
    mod access;
    mod access_files;
    mod aggregates;
    mod alike;
    mod attacks;
    mod bad_input;
    mod checks;
    mod chinook;
    mod circles;
    mod clients;
    mod codings;
    mod conformance;
    mod crossing;
    mod cursors;
    mod database_tls;
    mod documents;
    mod edge;
    mod editing;
    mod exports;
    mod expressions;
    mod extremes;
    mod failover;
    mod features;
    mod filters;
    mod forms;
    mod grants;
    mod hostile;
    mod includes;
    mod life;
    mod load;
    mod methods;
    mod metrics;
    mod missing_parents;
    mod model;
    mod names;
    mod northwind;
    mod operations;
    mod oracle;
    mod pairs;
    mod policies;
    mod pooler;
    mod presets;
    mod protocols;
    mod random;
    mod reads;
    mod receipts;
    mod relationships;
    mod reload;
    mod removals;
    mod repair;
    mod replicas;
    mod roles;
    mod rules;
    mod sorting;
    mod spellings;
    mod stamps;
    mod statements;
    mod steps;
    mod timing;
    mod tokens;
    mod totals;
    mod trace;
    mod traces;
    mod transitions;
    mod types;
    mod upstream;
    mod verify;
    mod virtuals;
    mod warnings;
    mod writes;
}

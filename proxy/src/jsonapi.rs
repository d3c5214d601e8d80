//! JSON:API 1.1 as bytes: what a client sends and what it reads. Pure: no database, no clock, no server.
//!
//! `media` negotiates, `query` reads the query string, `value`, `id` and `cursor` turn text and JSON into typed values, `encode` writes
//! documents straight from rows, `error_object` writes what went wrong.

pub mod cursor;
pub mod document;
pub mod encode;
pub mod error_object;
pub mod etag;
pub mod id;
pub mod json;
pub mod layout;
pub mod links;
pub mod media;
pub mod openapi;
pub mod query;
pub mod shape;
pub mod value;

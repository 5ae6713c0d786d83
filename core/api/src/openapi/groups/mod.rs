//! Every route in words, one file per resource; the order is that of the document.

mod admin;
mod api;
mod archive;
mod autocomplete;
mod banning;
mod cloud_storage;
mod config;
mod config_links;
mod config_plugins;
mod data_management;
mod delegation;
mod engine;
mod engine_model;
mod files;
mod health;
mod jobs;
mod jobs_model;
mod messages;
mod oauth2;
mod optimizer;
mod submission;

use super::doc::Group;
use super::document::common_models;

/// All groups.
pub(super) fn groups() -> Vec<Group> {
    let mut groups = vec![
        api::group(),
        delegation::group(),
        jobs::group(),
        files::group(),
        archive::group(),
        banning::group(),
        data_management::group(),
        optimizer::group(),
        autocomplete::group(),
        cloud_storage::group(),
        oauth2::group(),
        admin::status(),
        admin::group(),
        engine::group(),
        messages::group(),
        health::group(),
        health::pages(),
    ];
    groups.extend(config::groups());
    groups.extend(config_links::groups());
    groups.push(config_plugins::group());
    groups[0].models.extend(common_models());
    groups
}

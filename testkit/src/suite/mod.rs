//! The adapter suite: everything that the client can do, run against one server on one runtime.
//!
//! The tests are generic over [`Runtime`] and know no executor. A runtime's own test calls [`run`] inside of its
//! executor; failures panic, after the name of the test was printed.
//!
//! ```no_run
//! use stator_testkit::suite::{Context, Server, run};
//! # async fn example<R: stator_client::Runtime>(runtime: R) {
//! let server = Server { version: (6, 0), mongod: true, rights: true };
//! let report = run(&Context::new(runtime, "mongodb://127.0.0.1:27017/", server, "suite")).await;
//! assert!(report.ran > 0);
//! # }
//! ```

mod aggregate;
mod bulk;
mod collections;
mod commands;
mod concerns;
mod context;
mod count;
mod cursors;
mod databases;
mod delete;
mod errors;
mod fail_point;
mod find;
mod find_and_modify;
mod indexes;
mod insert;
mod large;
mod profile;
mod tailable;
mod timeouts;
mod update;

pub use context::{Context, Fixture, Needs, Report, Server};

use stator_client::Runtime;

/// The table of tests: by module, what each needs and its name. It makes [`TESTS`] and [`run`].
macro_rules! table {
    ($($module:ident { $($needs:ident $test:ident,)* })*) => {
        /// Every test by name, with what it needs of its server.
        pub const TESTS: &[(&str, Needs)] =
            &[$($((concat!(stringify!($module), "::", stringify!($test)), Needs::$needs),)*)*];

        /// Runs every test for which the server has what it needs, one after the other, each on a database of its own.
        ///
        /// # Panics
        ///
        /// When a test fails.
        pub async fn run<R: Runtime>(context: &Context<R>) -> Report {
            let mut report = Report::default();
            $($(
                let name = concat!(stringify!($module), "::", stringify!($test));
                match context.begin(name, Needs::$needs) {
                    Some(fixture) => {
                        let running = context::Running(name);
                        $module::$test(&fixture).await;
                        fixture.end().await;
                        drop(running);
                        report.ran += 1;
                    }
                    None => report.skipped.push(name),
                }
            )*)*
            report
        }
    };
}

table! {
    insert {
        BASIC one_gets_an_id_unless_it_has_one,
        BASIC ids_may_be_of_any_type,
        BASIC many_maps_indexes_to_ids,
        BASIC nothing_to_insert_is_an_invalid_argument,
        BASIC structs_go_in_and_come_out,
        BASIC borrowed_and_owned_documents,
        BASIC ordered_stops_at_the_first_error,
        BASIC unordered_reports_every_error_by_index,
        ADMIN validation_can_be_bypassed,
        MONGOD comments,
    }
    large {
        MONGOD a_hundred_thousand_and_one_documents_go_in_two_batches,
        MONGOD a_document_of_nearly_16_mb_goes_both_ways,
        MONGOD a_longer_document_is_refused_before_it_is_sent,
        MONGOD many_large_documents_split_by_size,
    }
    find {
        BASIC sort_skip_limit_and_projection,
        BASIC one_or_none,
        BASIC a_negative_limit_is_a_single_batch,
        BASIC an_unknown_collection_is_empty,
        MONGOD index_options,
        MONGOD collation,
        MONGOD let_variables,
        BASIC typed_documents_and_decode_errors,
        MONGOD every_bson_type_round_trips,
    }
    cursors {
        BASIC batches_are_fetched_as_needed,
        BASIC advance_and_current_walk_without_copies,
        BASIC to_list_takes_what_it_is_told,
        BASIC a_stream_of_documents,
        BASIC with_type_keeps_the_place,
        BASIC close_kills_the_server_cursor,
        ADMIN dropping_kills_the_server_cursor,
        BASIC a_killed_cursor_fails_once_and_ends,
        BASIC a_cursor_outlives_its_other_handles,
        MONGOD comments_and_timeouts_follow_the_cursor,
        MONGOD exhaust_gets_all_and_keeps_its_connection,
    }
    tailable {
        MONGOD tailable_reads_what_comes_later,
        MONGOD awaiting_wakes_for_a_document,
        MONGOD awaiting_ends_by_its_timeout,
    }
    update {
        BASIC one_and_many,
        BASIC upserts_tell_their_id,
        BASIC replace_keeps_the_id,
        MONGOD array_filters_and_hints,
        MONGOD pipelines,
        MONGOD collation_and_let,
    }
    delete {
        BASIC one_and_many,
        MONGOD hints_collation_and_let,
    }
    bulk {
        BASIC ordered_writes_happen_in_order,
        BASIC an_ordered_write_ends_at_the_first_error,
        BASIC an_unordered_write_reports_every_error_by_index,
        BASIC what_cannot_be_sent_is_an_invalid_argument,
        BASIC unacknowledged_writes_are_done_all_the_same,
        MONGOD models_have_options,
        ADMIN validation_can_be_bypassed,
        MONGOD more_than_fits_into_one_command,
        ADMIN a_lost_connection_leaves_the_partial_result,
        ADMIN write_concern_errors_of_all_commands,
        BASIC the_command_of_8_0_is_not_sent_to_older_servers,
    }
    find_and_modify {
        BASIC delete,
        BASIC replace,
        BASIC update,
        BASIC sort_and_projection,
        ADMIN options,
    }
    count {
        BASIC documents,
        BASIC estimated,
        MONGOD options,
        BASIC distinct_values,
        MONGOD distinct_options,
    }
    aggregate {
        BASIC match_and_group,
        MONGOD typed_and_in_batches,
        ADMIN out_and_merge,
        MONGOD options,
        ADMIN on_the_database,
    }
    commands {
        BASIC run_and_raw,
        BASIC a_command_takes_no_concerns,
        BASIC a_command_that_is_none,
    }
    collections {
        BASIC create_list_and_drop,
        MONGOD capped,
        MONGOD views_and_validators,
        MONGOD newer_kinds,
    }
    indexes {
        MONGOD create_list_and_drop_indexes,
        MONGOD rename_modify_and_validate,
        MONGOD counted_by_the_command,
        MONGOD cursors_of_any_command,
        ADMIN listed_as_handles,
    }
    databases {
        RIGHTS list_and_drop,
        RIGHTS default_database,
    }
    concerns {
        BASIC unacknowledged_writes,
        BASIC unacknowledged_many,
        MONGOD write_concerns_are_sent,
        MONGOD read_concerns_are_sent,
        BASIC overrides_are_inherited,
    }
    profile {
        ADMIN find_sends_all_its_options,
        ADMIN writes_send_all_their_options,
        ADMIN reads_send_all_their_options,
    }
    errors {
        BASIC duplicate_keys,
        BASIC commands_have_codes,
        BASIC invalid_changes_are_refused_before_they_are_sent,
        BASIC values_that_are_no_documents,
        ADMIN server_errors_carry_codes_and_labels,
        ADMIN a_closed_connection_is_a_network_error,
        ADMIN write_concern_errors,
    }
    timeouts {
        ADMIN an_operation_ends_by_its_timeout,
        ADMIN the_client_serves_on_after_timeouts,
        MONGOD max_time_is_the_servers_affair,
        MONGOD the_url_can_say_it,
        MONGOD waiting_for_a_connection_has_an_end,
    }
}

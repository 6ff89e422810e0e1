//! A type of many fields, and what they are, from one list.

/// Declares a struct whose fields have the keys of the specification's data, and lists them with their types.
macro_rules! shape {
    ($(#[$docs:meta])* $name:ident: $($key:ident: $kind:ty),* $(,)?) => {
        $(#[$docs])*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[allow(missing_docs, non_snake_case, reason = "the fields of the data")]
        pub struct $name {
            $(pub $key: $kind,)*
        }

        impl $name {
            /// The keys, in order, and the names of their types.
            pub(super) const FIELDS: &[(&'static str, &'static str)] = &[$((stringify!($key), stringify!($kind))),*];
        }
    };
}
pub(super) use shape;

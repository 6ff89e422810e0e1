//! The setters and the awaiting of actions, written once.

/// Setters of an action whose command is `self.op`, whose own settings are `self.call.given` and whose errors go to `self.doubt`.
///
/// Each line: documentation, the kind of the argument, the setter's name, and the field if it has another place.
macro_rules! setters {
    ($action:ident<$($generic:ident),+>: $($(#[$doc:meta])* $kind:ident $name:ident => $($field:ident).+;)*) => {
        impl<R: $crate::runtime::Runtime $(, $generic)*> $action<R $(, $generic)*> {
            $(setters!(@one $(#[$doc])* $kind $name => $($field).+);)*
        }
    };
    (model $model:ident: $($(#[$doc:meta])* $kind:ident $name:ident => $($field:ident).+;)*) => {
        impl $model {
            $(setters!(@one $(#[$doc])* $kind $name => $($field).+);)*
        }
    };
    ($action:ident: $($(#[$doc:meta])* $kind:ident $name:ident => $($field:ident).+;)*) => {
        impl<R: $crate::runtime::Runtime> $action<R> {
            $(setters!(@one $(#[$doc])* $kind $name => $($field).+);)*
        }
    };
    (@one $(#[$doc:meta])* doc $name:ident => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl serde::Serialize) -> Self {
            self.$($field).+ = Some(self.doubt.doc(&$name));
            self
        }
    };
    (@one $(#[$doc:meta])* array $name:ident => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl IntoIterator<Item = bson::Document>) -> Self {
            let documents: Vec<bson::Document> = $name.into_iter().collect();
            self.$($field).+ = Some(self.doubt.take($crate::convert::to_array(&documents)));
            self
        }
    };
    (@one $(#[$doc:meta])* value $name:ident => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl Into<bson::Bson>) -> Self {
            let value = $crate::convert::to_value(&$name.into()).map(Some);
            self.$($field).+ = self.doubt.take(value);
            self
        }
    };
    (@one $(#[$doc:meta])* hint $name:ident => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl Into<$crate::options::Hint>) -> Self {
            let value = $crate::convert::to_value(&$name.into().into()).map(Some);
            self.$($field).+ = self.doubt.take(value);
            self
        }
    };
    (@one $(#[$doc:meta])* text $name:ident => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: impl Into<String>) -> Self {
            self.$($field).+ = Some($name.into());
            self
        }
    };
    (@one $(#[$doc:meta])* read_concern $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: $crate::options::ReadConcern => $($field).+);
    };
    (@one $(#[$doc:meta])* write_concern $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: $crate::options::WriteConcern => $($field).+);
    };
    (@one $(#[$doc:meta])* read_preference $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: $crate::options::ReadPreference => $($field).+);
    };
    (@one $(#[$doc:meta])* duration $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: core::time::Duration => $($field).+);
    };
    (@one $(#[$doc:meta])* timeout_mode $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: $crate::options::TimeoutMode => $($field).+);
    };
    (@one $(#[$doc:meta])* $kind:ident $name:ident => $($field:ident).+) => {
        setters!(@plain $(#[$doc])* $name: $kind => $($field).+);
    };
    (@plain $(#[$doc:meta])* $name:ident: $type:ty => $($field:ident).+) => {
        $(#[$doc])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.$($field).+ = Some($name);
            self
        }
    };
}

/// Makes an action awaitable, and `run()`-able on a plain thread. The action has an `async fn execute(self)`.
///
/// Without `@plain` it also gets `session(..)`, which sets `self.call.session`.
macro_rules! awaitable {
    ($action:ident<$generic:ident> [$($bound:tt)+] => $output:ty) => {
        awaitable!($action<$generic> [$($bound)+] at call => $output);
    };
    ($action:ident<$generic:ident> [$($bound:tt)+] at $($call:ident).+ => $output:ty) => {
        impl<R: $crate::runtime::Runtime, $generic> $action<R, $generic> {
            /// The session that it is part of, instead of the handle's.
            pub fn session(mut self, session: &$crate::session::ClientSession<R>) -> Self {
                self.$($call).+.session = Some(session.clone());
                self
            }

            /// For MongoDB's internal use.
            #[doc(hidden)]
            pub fn raw_data(mut self, raw_data: bool) -> Self {
                self.$($call).+.given.raw_data = Some(raw_data);
                self
            }
        }

        awaitable!(@plain $action<$generic> [$($bound)+] => $output);
    };
    (@plain $action:ident<$generic:ident> [$($bound:tt)+] => $output:ty) => {
        impl<R: $crate::runtime::Runtime, $generic: $($bound)+> core::future::IntoFuture for $action<R, $generic> {
            type Output = $crate::error::Result<$output>;
            type IntoFuture = $crate::action::BoxFuture<Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.execute())
            }
        }

        impl<R: $crate::runtime::BlockOn, $generic: $($bound)+> $action<R, $generic> {
            /// Runs the action to its end on this thread.
            pub fn run(self) -> $crate::error::Result<$output> {
                let runtime = self.core().runtime.clone();
                runtime.block_on(self.execute())
            }
        }
    };
    (@plain $action:ident => $output:ty) => {
        impl<R: $crate::runtime::Runtime> core::future::IntoFuture for $action<R> {
            type Output = $crate::error::Result<$output>;
            type IntoFuture = $crate::action::BoxFuture<Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.execute())
            }
        }

        impl<R: $crate::runtime::BlockOn> $action<R> {
            /// Runs the action to its end on this thread.
            pub fn run(self) -> $crate::error::Result<$output> {
                let runtime = self.core().runtime.clone();
                runtime.block_on(self.execute())
            }
        }
    };
    ($action:ident => $output:ty) => {
        awaitable!($action at call => $output);
    };
    ($action:ident at $($call:ident).+ => $output:ty) => {
        impl<R: $crate::runtime::Runtime> $action<R> {
            /// The session that it is part of, instead of the handle's.
            pub fn session(mut self, session: &$crate::session::ClientSession<R>) -> Self {
                self.$($call).+.session = Some(session.clone());
                self
            }

            /// For MongoDB's internal use.
            #[doc(hidden)]
            pub fn raw_data(mut self, raw_data: bool) -> Self {
                self.$($call).+.given.raw_data = Some(raw_data);
                self
            }
        }

        awaitable!(@plain $action => $output);
    };
}

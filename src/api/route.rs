//! The table of contents: each endpoint with its authority and its description, as a router and as an OpenAPI document.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::access::{As, Authority};
use super::router::Api;

/// Endpoints, as they are declared.
pub struct Routes {
    router: Router<Arc<Api>>,
    paths: Map<String, Value>,
    schemas: SchemaGenerator,
}

/// What the OpenAPI document says of an endpoint.
pub struct About {
    summary: &'static str,
    parameters: Vec<(&'static str, String, &'static str)>,
    takes: Option<fn(&mut SchemaGenerator) -> Schema>,
    gives: Option<fn(&mut SchemaGenerator) -> Schema>,
    status: u16,
    media: &'static str,
}

/// The arguments of a handler whose first says who may call it.
pub trait Guarded {
    type Authority: Authority;
}

macro_rules! guarded {
    ($($more:ident)*) => {
        impl<M, A: Authority, $($more),*> Guarded for (M, As<A>, $($more,)*) {
            type Authority = A;
        }
    };
}
guarded!();
guarded!(B);
guarded!(B C);
guarded!(B C D);
guarded!(B C D E);
guarded!(B C D E F);

pub fn about(summary: &'static str) -> About {
    About { summary, parameters: Vec::new(), takes: None, gives: None, status: 200, media: "application/json" }
}

// === impl About ===

impl About {
    /// A query parameter: its name, and what it is.
    pub fn query(self, name: &'static str, what: &'static str) -> About {
        self.query_of(name, what.to_owned())
    }

    /// The same, with words that are put together.
    pub fn query_of(mut self, name: &'static str, what: String) -> About {
        self.parameters.push((name, what, "string"));
        self
    }

    /// A query parameter that is a whole number.
    pub fn number(mut self, name: &'static str, what: &'static str) -> About {
        self.parameters.push((name, what.to_owned(), "integer"));
        self
    }

    pub fn takes<T: JsonSchema>(mut self) -> About {
        self.takes = Some(|schemas| schemas.subschema_for::<T>());
        self
    }

    pub fn gives<T: JsonSchema>(mut self) -> About {
        self.gives = Some(|schemas| schemas.subschema_for::<T>());
        self
    }

    /// The status of a success; 200 if nothing else is said.
    pub fn status(mut self, status: u16) -> About {
        self.status = status;
        self
    }

    /// The type of a success's body; JSON if nothing else is said.
    pub fn media(mut self, media: &'static str) -> About {
        self.media = media;
        self
    }

    fn operation(self, path: &str, authority: &str, schemas: &mut SchemaGenerator) -> Value {
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
            json!({"name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": {"type": "string"}})
        });
        let in_query = self
            .parameters
            .iter()
            .map(|(name, what, is)| json!({"name": name, "in": "query", "description": what, "schema": {"type": is}}));
        let parameters: Vec<Value> = in_path.chain(in_query).collect();
        let mut success = json!({"description": "success"});
        if self.status != 204 {
            let schema = self.gives.map_or_else(|| json!({}), |schema| json!(schema(schemas)));
            success["content"] = json!({self.media: {"schema": schema}});
        }
        let mut operation = json!({
            "summary": self.summary,
            "x-authority": authority,
            "parameters": parameters,
            "responses": {
                self.status.to_string(): success,
                "default": {
                    "description": "what was wrong, and what to do",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        });
        if let Some(schema) = self.takes {
            let content = json!({"application/json": {"schema": schema(schemas)}});
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        operation
    }
}

// === impl Routes ===

impl Routes {
    pub fn new() -> Routes {
        let settings = schemars::generate::SchemaSettings::openapi3();
        Routes { router: Router::new(), paths: Map::new(), schemas: settings.into_generator() }
    }

    /// For those whom the handler's first argument admits.
    pub fn at<H, T>(self, method: Method, path: &'static str, handler: H, about: About) -> Routes
    where
        H: Handler<T, Arc<Api>>,
        T: Guarded + 'static,
    {
        self.add(method, path, handler, <T::Authority as Authority>::NAME, about)
    }

    /// For whom the handler itself admits: `authority` says who that is.
    pub fn open<H, T>(self, method: Method, path: &'static str, handler: H, authority: &str, about: About) -> Routes
    where
        H: Handler<T, Arc<Api>>,
        T: 'static,
    {
        self.add(method, path, handler, authority, about)
    }

    fn add<H, T>(mut self, method: Method, path: &'static str, handler: H, authority: &str, about: About) -> Routes
    where
        H: Handler<T, Arc<Api>>,
        T: 'static,
    {
        let mut operation = about.operation(path, authority, &mut self.schemas);
        operation["operationId"] = operation_id(&method, path).into();
        // OpenAPI knows no parameter of several segments.
        let entry = self.paths.entry(path.replace("{*", "{")).or_insert_with(|| json!({}));
        entry[method.as_str().to_ascii_lowercase()] = operation;
        // The methods that are declared here are all ones that a filter knows.
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// The router, and the document that describes it.
    pub fn finish(mut self) -> (Router<Arc<Api>>, Value) {
        let mut schemas = self.schemas.take_definitions(true);
        schemas.insert("Problem".to_owned(), problem());
        let document = json!({
            "openapi": "3.0.3",
            "info": {
                "title": "ActivityLog",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "x-authority says what a caller needs: a permission, signed_in (anybody who was let in), or none. \
                                Unknown query parameters are a 400 that names them.",
            },
            "paths": self.paths,
            "components": {"schemas": schemas},
        });
        (self.router, document)
    }
}

impl Default for Routes {
    fn default() -> Routes {
        Routes::new()
    }
}

/// What generated clients call it: `get_api_v1_users_id`.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    // With and without a slash at the end are two paths.
    let root = path.ends_with('/').then_some("root");
    words.chain(root).fold(method.as_str().to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

/// RFC 9457.
fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"},
            "status": {"type": "integer"}, "detail": {"type": "string"},
        },
    })
}

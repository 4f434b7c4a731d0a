//! The `OpenAPI` document, made from the same table as the router.
//!
//! Knows how a route is described; must not know what its JSON looks like: the types that are sent and taken say so.

use axum::http::{Method, StatusCode};
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ArrayBuilder, ComponentsBuilder, Content, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Type,
};

use super::ops::{Alive, Ready};
use super::problem::{self, Kind};
use super::routes::{Endpoint, Gives, Takes, endpoints};
use super::sessions::Reason;
use crate::domain::ask::Answer;
use crate::wire::account::{AccountView, Link};
use crate::wire::api::{Code, Create, Message, Page};
use crate::wire::fleet::NodeView;
use crate::wire::view::{AskView, EventView, SessionView};

/// The document as `GET /openapi.json` gives it.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("DevTask")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Errors are `application/problem+json` with a stable `type`. Over TCP every route takes a bearer \
             token; over the Unix socket in the data folder none is needed.",
        ))
        .build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components =
        ComponentsBuilder::new().schemas_from_iter(schemas()).security_scheme("token", bearer).build();
    let mut paths = PathsBuilder::new();
    for endpoint in endpoints() {
        let method = if endpoint.method == Method::GET { HttpMethod::Get } else { HttpMethod::Post };
        paths = paths.path(endpoint.path, PathItem::new(method, operation(&endpoint)));
    }
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>("token", [])]))
        .build()
}

/// What routes send and take, and everything those are made of.
fn schemas() -> Vec<(String, RefOr<Schema>)> {
    fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
        all.push((T::name().into(), T::schema()));
        T::schemas(all);
    }
    let mut all = Vec::new();
    add::<Page>(&mut all);
    add::<EventView>(&mut all);
    add::<Create>(&mut all);
    add::<Message>(&mut all);
    add::<NodeView>(&mut all);
    add::<AccountView>(&mut all);
    add::<Link>(&mut all);
    add::<Answer>(&mut all);
    add::<Reason>(&mut all);
    add::<problem::Body>(&mut all);
    add::<Alive>(&mut all);
    add::<Ready>(&mut all);
    all
}

fn operation(endpoint: &Endpoint) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(endpoint.name))
        .summary(Some(endpoint.summary))
        .request_body(body(endpoint.takes));
    for parameter in parameters(endpoint) {
        operation = operation.parameter(parameter);
    }
    let (status, answer) = success(endpoint.gives);
    operation = operation.response(status.as_str(), answer);
    if endpoint.gives == Gives::Events {
        operation = operation.response("204", Response::new("settled, and all of it told"));
    }
    let always = [Kind::Refused(Code::Unauthorized), Kind::ForeignOrigin, Kind::ForeignHost];
    let mut kinds: Vec<Kind> =
        always.into_iter().chain(endpoint.refuses.iter().map(|c| Kind::Refused(*c))).collect();
    if endpoint.takes != Takes::Nothing {
        kinds.push(Kind::Refused(Code::Invalid));
    }
    if body(endpoint.takes).is_some() {
        kinds.extend([Kind::Syntax, Kind::MediaType, Kind::Refused(Code::TooLarge)]);
    }
    for (status, titles) in by_status(&kinds) {
        operation = operation.response(status.as_str(), problem(&titles));
    }
    operation.build()
}

/// One answer a status; titles of kinds that share it are joined.
fn by_status(kinds: &[Kind]) -> Vec<(StatusCode, String)> {
    let mut all: Vec<(StatusCode, String)> = Vec::new();
    for kind in kinds {
        let (status, _, title) = kind.parts();
        match all.iter_mut().find(|(s, _)| *s == status) {
            Some((_, titles)) => {
                titles.push_str("; ");
                titles.push_str(title);
            }
            None => all.push((status, title.to_owned())),
        }
    }
    all
}

fn problem(title: &str) -> Response {
    ResponseBuilder::new()
        .description(title)
        .content("application/problem+json", to::<problem::Body>())
        .build()
}

fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

fn to<T: ToSchema>() -> Content {
    Content::new(Some(reference::<T>()))
}

fn success(gives: Gives) -> (StatusCode, Response) {
    let json = |text: &str, content: Content| {
        ResponseBuilder::new().description(text).content("application/json", content).build()
    };
    match gives {
        Gives::Session(status) => (status, json("The session as it stands now", to::<SessionView>())),
        Gives::Page => (StatusCode::OK, json("A page of sessions", to::<Page>())),
        Gives::Asks => {
            let asks = ArrayBuilder::new().items(reference::<AskView>()).build();
            (StatusCode::OK, json("Open asks", Content::new(Some(asks))))
        }
        Gives::Nodes => {
            let nodes = ArrayBuilder::new().items(reference::<NodeView>()).build();
            (StatusCode::OK, json("Nodes", Content::new(Some(nodes))))
        }
        Gives::Account => (StatusCode::OK, json("How it stands with the account", to::<AccountView>())),
        Gives::Alive => (StatusCode::OK, json("It answers", to::<Alive>())),
        Gives::Ready => (StatusCode::OK, json("Ready, perhaps degraded; 503 where not", to::<Ready>())),
        Gives::Document => (StatusCode::OK, Response::new("OpenAPI 3.1")),
        Gives::Metrics => (StatusCode::OK, Response::new("Prometheus text format")),
        Gives::Events => {
            let text = "`id:` is the event's seq, `event:` one of message, status, ask, check, log";
            let body =
                ResponseBuilder::new().description(text).content("text/event-stream", to::<EventView>());
            (StatusCode::OK, body.build())
        }
    }
}

fn body(takes: Takes) -> Option<RequestBody> {
    let (content, required) = match takes {
        Takes::Create => (to::<Create>(), Required::True),
        Takes::Message => (to::<Message>(), Required::True),
        Takes::Answer => (to::<Answer>(), Required::True),
        Takes::Reason => (to::<Reason>(), Required::False),
        Takes::Link => (to::<Link>(), Required::False),
        Takes::Nothing | Takes::Filter | Takes::State | Takes::Events => return None,
    };
    Some(RequestBodyBuilder::new().content("application/json", content).required(Some(required)).build())
}

fn parameters(endpoint: &Endpoint) -> Vec<Parameter> {
    use ParameterIn::{Header, Path, Query};
    let mut all = Vec::new();
    if endpoint.path.contains("{id}") {
        all.push(parameter("id", Path, Type::String, "`dt-142` or `142`"));
    }
    if endpoint.path.contains("{handle}") {
        all.push(parameter("handle", Path, Type::String, "The ask's `handle`"));
    }
    match endpoint.takes {
        Takes::Filter => {
            all.push(parameter("status", Query, Type::String, "One of the seven statuses"));
            all.push(parameter("owner", Query, Type::String, "Only sessions of this person"));
            all.push(parameter("label", Query, Type::String, "Only sessions with this label"));
            all.push(parameter("limit", Query, Type::Integer, "1 to 200, else 50"));
            all.push(parameter("cursor", Query, Type::String, "`nextCursor` of the page before"));
        }
        Takes::State => all.push(parameter("state", Query, Type::String, "`open`")),
        Takes::Events => {
            all.push(parameter("after", Query, Type::Integer, "Only events with a higher seq"));
            all.push(parameter("Last-Event-ID", Header, Type::Integer, "As `after`, and stronger"));
        }
        Takes::Reason => {
            all.push(parameter("If-Match", Header, Type::String, "The ETag this was decided on"));
        }
        Takes::Nothing | Takes::Create | Takes::Link | Takes::Message | Takes::Answer => {}
    }
    if matches!(endpoint.takes, Takes::Create | Takes::Reason | Takes::Answer) {
        let says = "A repeat under the same key gets the first answer";
        all.push(parameter("Idempotency-Key", Header, Type::String, says));
    }
    if endpoint.method == Method::POST || endpoint.gives == Gives::Account {
        all.push(parameter(super::ACTOR_HEADER, Header, Type::String, "Who does it; `owner` where absent"));
    }
    all
}

fn parameter(name: &str, place: ParameterIn, kind: Type, says: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
        .build()
}

//! Signing in and out: with a password and a second factor, by invitation, or at an OpenID provider.

mod answer;
mod body;
pub mod first_sight;
mod invites;
mod oidc;
mod own;
mod password;
mod totp;
mod visitor;

use axum::http::Method;

use super::route::{Routes, about};
use answer::SessionAnswer;

pub fn routes(routes: Routes) -> Routes {
    let routes = routes
        .open(
            Method::GET,
            "/api/v1/session",
            password::session,
            "none",
            about("Who is signed in, and how one can sign in").gives::<SessionAnswer>(),
        )
        .open(
            Method::POST,
            "/api/v1/session",
            password::sign_in,
            "none",
            about("Sign in with a password; sets the session's cookie")
                .takes::<password::SignIn>()
                .gives::<SessionAnswer>(),
        )
        .open(Method::DELETE, "/api/v1/session", password::sign_out, "none", about("Sign out").status(204))
        .at(
            Method::POST,
            "/api/v1/me/password",
            password::change,
            about("Change one's password; one's other sessions end").takes::<password::NewPassword>().status(204),
        );
    let routes = routes
        .at(
            Method::POST,
            "/api/v1/me/totp",
            totp::enrol,
            about("A new secret for one's authenticator; it asks for no code until one was shown")
                .gives::<totp::Enrolled>(),
        )
        .at(
            Method::POST,
            "/api/v1/me/totp/verify",
            totp::verify,
            about("Show the first code: from now on signing in needs one")
                .takes::<totp::Code>()
                .gives::<totp::Recovery>(),
        )
        .at(
            Method::POST,
            "/api/v1/me/totp/remove",
            totp::remove,
            about("Sign in without codes again").takes::<totp::Removal>().status(204),
        );
    let routes = routes
        .open(
            Method::POST,
            "/api/v1/invites/lookup",
            invites::lookup,
            "none",
            about("What an invitation is for").takes::<invites::Lookup>().gives::<invites::Invited>(),
        )
        .open(
            Method::POST,
            "/api/v1/invites/accept",
            invites::accept,
            "none",
            about("Become the user that one is invited to be, and sign in")
                .takes::<invites::Acceptance>()
                .gives::<SessionAnswer>(),
        );
    routes
        .open(Method::GET, "/api/v1/session/oidc", oidc::start, "none", about("Go to the OpenID provider").status(303))
        .open(
            Method::GET,
            "/api/v1/session/oidc/callback",
            oidc::callback,
            "none",
            about("Come back from the OpenID provider")
                .query("code", "what the provider gives for a token")
                .query("state", "what the sign-in began with")
                .query("error", "why the provider refuses")
                .status(303),
        )
}

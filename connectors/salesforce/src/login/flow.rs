//! Which way to log in, where only that matters.

/// A way to log in, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    ClientCredentials,
    AccessToken,
    AuthorizationCode,
    Jwt,
    Saml,
    UsernamePassword,
    Password,
}

impl Flow {
    /// Its name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AccessToken => "access_token",
            Self::AuthorizationCode => "authorization_code",
            Self::Jwt => "jwt",
            Self::Saml => "saml",
            Self::UsernamePassword => "username_password",
            Self::Password => "password",
        }
    }
}

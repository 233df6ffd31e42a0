//! Keys and tokens that can be told by their form: what they begin with, what they are made of,
//! how long they are. Facts from what their issuers document.
//!
//! Add a row at the end; the number of a rule is its place.

/// What follows a prefix is made of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Of {
    /// `a-z A-Z 0-9`
    Alnum,
    /// `A-Z 0-9`
    Upper,
    /// `a-z 0-9`
    Lower,
    /// `A-Z 2-7`
    Base32,
    /// `0-9 a-f`
    Hex,
    /// `A-Z a-z 0-9 - _`
    Url,
    /// The same and a full stop.
    Dotted,
    /// `A-Z a-z 0-9 _`
    Word,
    /// `A-Z a-z 0-9 + / =`
    Base64,
    /// `A-Z a-z 0-9 -`
    Dashed,
}

impl Of {
    pub(super) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Base32 => byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'),
            Self::Hex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Dashed => byte.is_ascii_alphanumeric() || byte == b'-',
        }
    }
}

/// One form of one issuer's keys.
#[derive(Debug)]
pub(in super::super) struct Row {
    pub(in super::super) name: &'static str,
    pub(in super::super) prefix: &'static str,
    pub(super) of: Of,
    /// How many bytes follow the prefix, at least and at most.
    pub(super) length: (usize, usize),
    /// The least entropy of what follows, in tenths of a bit per byte: placeholders have less.
    pub(super) entropy: u32,
}

const fn row(
    name: &'static str,
    prefix: &'static str,
    of: Of,
    length: (usize, usize),
    entropy: u32,
) -> Row {
    Row { name, prefix, of, length, entropy }
}

/// All of them.
pub(in super::super) const ROWS: &[Row] = &[
    row("casemate-token", "cmt_", Of::Url, (64, 64), 35),
    row("aws-access-key", "AKIA", Of::Base32, (16, 16), 25),
    row("aws-temporary-key", "ASIA", Of::Base32, (16, 16), 25),
    row("github-token", "ghp_", Of::Alnum, (36, 255), 30),
    row("github-oauth", "gho_", Of::Alnum, (36, 255), 30),
    row("github-user-token", "ghu_", Of::Alnum, (36, 255), 30),
    row("github-app-token", "ghs_", Of::Alnum, (36, 255), 30),
    row("github-refresh-token", "ghr_", Of::Alnum, (36, 255), 30),
    row("github-fine-grained-token", "github_pat_", Of::Word, (60, 100), 30),
    row("gitlab-token", "glpat-", Of::Dotted, (20, 64), 30),
    row("gitlab-deploy-token", "gldt-", Of::Url, (20, 64), 30),
    row("gitlab-runner-token", "glrt-", Of::Dotted, (20, 64), 30),
    row("gitlab-job-token", "glcbt-", Of::Url, (20, 64), 30),
    row("gitlab-trigger-token", "glptt-", Of::Hex, (40, 40), 30),
    row("slack-bot-token", "xoxb-", Of::Dashed, (20, 250), 28),
    row("slack-user-token", "xoxp-", Of::Dashed, (20, 250), 28),
    row("slack-refresh-token", "xoxe-", Of::Dashed, (20, 250), 28),
    row("slack-workspace-token", "xoxa-", Of::Dashed, (20, 250), 28),
    row("slack-app-token", "xapp-", Of::Dashed, (20, 250), 28),
    row("slack-webhook", "hooks.slack.com/services/", Of::Base64, (40, 60), 30),
    row("stripe-live-key", "sk_live_", Of::Alnum, (16, 128), 30),
    row("stripe-test-key", "sk_test_", Of::Alnum, (16, 128), 30),
    row("stripe-restricted-key", "rk_live_", Of::Alnum, (16, 128), 30),
    row("stripe-webhook-secret", "whsec_", Of::Base64, (32, 64), 30),
    row("google-api-key", "AIza", Of::Url, (35, 35), 30),
    row("google-oauth-secret", "GOCSPX-", Of::Url, (28, 28), 30),
    row("google-oauth-token", "ya29.", Of::Dotted, (30, 2048), 35),
    row("npm-token", "npm_", Of::Alnum, (36, 36), 30),
    row("pypi-token", "pypi-AgEIcHlwaS5vcmc", Of::Url, (50, 1024), 30),
    row("sendgrid-key", "SG.", Of::Dotted, (66, 66), 35),
    row("twilio-key", "SK", Of::Hex, (32, 32), 28),
    row("azure-storage-key", "AccountKey=", Of::Base64, (88, 88), 40),
    row("azure-shared-access-key", "SharedAccessKey=", Of::Base64, (44, 44), 35),
    row("sk-proj-key", "sk-proj-", Of::Url, (40, 200), 35),
    row("sk-svcacct-key", "sk-svcacct-", Of::Url, (40, 200), 35),
    row("sk-key", "sk-", Of::Alnum, (48, 48), 35),
    row("sk-ant-key", "sk-ant-", Of::Url, (80, 140), 35),
    row("hugging-face-token", "hf_", Of::Alnum, (34, 40), 35),
    row("digitalocean-token", "dop_v1_", Of::Hex, (64, 64), 30),
    row("digitalocean-oauth", "doo_v1_", Of::Hex, (64, 64), 30),
    row("docker-token", "dckr_pat_", Of::Url, (27, 27), 30),
    row("shopify-token", "shpat_", Of::Alnum, (32, 32), 28),
    row("shopify-secret", "shpss_", Of::Alnum, (32, 32), 28),
    row("linear-key", "lin_api_", Of::Alnum, (32, 48), 30),
    row("postman-key", "PMAK-", Of::Dashed, (59, 59), 30),
    row("grafana-token", "glsa_", Of::Word, (41, 41), 30),
    row("grafana-cloud-token", "glc_", Of::Base64, (32, 400), 35),
    row("databricks-token", "dapi", Of::Hex, (32, 32), 28),
    row("doppler-token", "dp.pt.", Of::Alnum, (40, 44), 30),
    row("vault-token", "hvs.", Of::Url, (24, 160), 30),
    row("pulumi-token", "pul-", Of::Hex, (40, 40), 28),
    row("planetscale-token", "pscale_tkn_", Of::Dotted, (32, 64), 30),
    row("planetscale-password", "pscale_pw_", Of::Dotted, (32, 64), 30),
    row("new-relic-key", "NRAK-", Of::Upper, (27, 27), 28),
    row("sentry-token", "sntryu_", Of::Hex, (64, 64), 30),
    row("supabase-token", "sbp_", Of::Hex, (40, 40), 28),
    row("rubygems-key", "rubygems_", Of::Hex, (48, 48), 28),
    row("square-token", "sq0atp-", Of::Url, (22, 22), 30),
    row("square-secret", "sq0csp-", Of::Url, (43, 43), 30),
    row("brevo-key", "xkeysib-", Of::Dashed, (81, 81), 30),
    row("age-secret-key", "AGE-SECRET-KEY-1", Of::Upper, (58, 58), 30),
    row("tailscale-key", "tskey-auth-", Of::Dashed, (24, 64), 28),
    row("tailscale-api-key", "tskey-api-", Of::Dashed, (24, 64), 28),
    row("netlify-token", "nfp_", Of::Alnum, (36, 40), 30),
    row("atlassian-token", "ATATT3", Of::Base64, (180, 200), 35),
    row("easypost-key", "EZAK", Of::Alnum, (54, 54), 35),
    row("dynatrace-token", "dt0c01.", Of::Dotted, (89, 89), 30),
    row("flutterwave-secret", "FLWSECK-", Of::Dashed, (32, 48), 28),
    row("readme-key", "rdme_", Of::Lower, (70, 70), 30),
];

-- The first schema. Tokens in braces stand for what differs between the two
-- databases; dialect.go replaces them. Times are microseconds since 1970, UTC.

CREATE TABLE key_checks (
  id {key} PRIMARY KEY,
  check_value {bytes} NOT NULL,
  created_at BIGINT NOT NULL
) {strict};

CREATE TABLE customers (
  id {key} PRIMARY KEY,
  name {text} NOT NULL,
  name_key {key} NOT NULL UNIQUE,
  created_at BIGINT NOT NULL
) {strict};

INSERT INTO customers (id, name, name_key, created_at) VALUES ('installation', '', '', 0);

-- How many users of a customer stand in which 2FA state; kept in the
-- transaction of each change, so that no page has to count.
CREATE TABLE customer_counts (
  customer_id {key} NOT NULL REFERENCES customers (id),
  twofa_state {key} NOT NULL,
  users BIGINT NOT NULL CHECK (users >= 0),
  PRIMARY KEY (customer_id, twofa_state)
) {strict};

CREATE TABLE users (
  id {key} PRIMARY KEY,
  customer_id {key} NOT NULL REFERENCES customers (id),
  login_id {text} NOT NULL,
  login_key {key} NOT NULL UNIQUE,
  name {text} NOT NULL,
  name_key {key} NOT NULL,
  email {text} NOT NULL,
  role {key} NOT NULL CHECK (role IN ('user', 'administrator', 'operator')),
  state {key} NOT NULL CHECK (state IN ('active', 'suspended')),
  password_hash {text} NOT NULL,
  password_changed_at BIGINT NOT NULL,
  twofa_state {key} NOT NULL CHECK (twofa_state IN ('none', 'enabled', 'disabled')),
  twofa_changed_at BIGINT NOT NULL,
  authenticator_id {key},
  security_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (customer_id, id),
  CHECK ((role = 'operator') = (customer_id = 'installation')),
  CHECK ((twofa_state = 'none') = (authenticator_id IS NULL))
) {strict};
CREATE INDEX users_by_name ON users (customer_id, name_key, id);
CREATE INDEX users_by_2fa ON users (customer_id, twofa_state, name_key, id);
CREATE INDEX administrators ON users (customer_id) WHERE role = 'administrator';

-- What a search finds a user by: login ID, e-mail, name, and the name from
-- each further word on. Searching is a range of terms.
CREATE TABLE user_terms (
  customer_id {key} NOT NULL,
  term {key} NOT NULL,
  user_id {key} NOT NULL,
  twofa_state {key} NOT NULL,
  PRIMARY KEY (customer_id, term, user_id),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX user_terms_by_2fa ON user_terms (customer_id, twofa_state, term, user_id);
CREATE INDEX user_terms_by_user ON user_terms (customer_id, user_id, term);

-- Authenticator apps: at most one current and one pending for each user.
CREATE TABLE authenticators (
  id {key} PRIMARY KEY,
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  state {key} NOT NULL CHECK (state IN ('pending', 'current')),
  secret {bytes} NOT NULL,
  serial BIGINT NOT NULL,
  last_step BIGINT NOT NULL,
  session_id {key} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  confirmed_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  UNIQUE (user_id, state),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};

CREATE TABLE recovery_codes (
  digest {bytes} NOT NULL,
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, digest),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};

CREATE TABLE sessions (
  id {key} PRIMARY KEY,
  digest {bytes} NOT NULL UNIQUE,
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  security_version BIGINT NOT NULL,
  proofs {key} NOT NULL CHECK (proofs IN ('password', 'password+code', 'password+recovery-code')),
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  stepped_up_at BIGINT NOT NULL,
  address {text} NOT NULL,
  agent {text} NOT NULL,
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX sessions_by_user ON sessions (customer_id, user_id, created_at);

CREATE TABLE half_sessions (
  digest {bytes} PRIMARY KEY,
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  security_version BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX half_sessions_by_user ON half_sessions (customer_id, user_id);

-- One-time links. subject is the user's id, or empty for the set-up link.
CREATE TABLE links (
  digest {bytes} PRIMARY KEY,
  customer_id {key} NOT NULL REFERENCES customers (id),
  purpose {key} NOT NULL CHECK (purpose IN ('set-up', 'invitation')),
  subject {key} NOT NULL,
  security_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (customer_id, purpose, subject)
) {strict};

-- Guessing budgets. A bucket names what is counted for whom.
CREATE TABLE throttles (
  bucket {key} PRIMARY KEY,
  hits BIGINT NOT NULL,
  since BIGINT NOT NULL,
  wait_until BIGINT NOT NULL
) {strict};

CREATE TABLE events (
  id {identity},
  customer_id {key} NOT NULL REFERENCES customers (id),
  at BIGINT NOT NULL,
  action {key} NOT NULL,
  outcome {key} NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  actor_kind {key} NOT NULL,
  actor_id {key} NOT NULL,
  actor_label {text} NOT NULL,
  target_id {key} NOT NULL,
  target_label {text} NOT NULL,
  detail {text} NOT NULL,
  address {text} NOT NULL,
  agent {text} NOT NULL,
  request_id {key} NOT NULL
) {strict};
CREATE INDEX events_by_customer ON events (customer_id, id);
CREATE INDEX events_by_action ON events (customer_id, action, id);
CREATE INDEX events_by_target ON events (customer_id, target_id, id);
CREATE INDEX events_by_actor ON events (customer_id, actor_id, id);

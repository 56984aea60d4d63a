-- What guards an account: policy, mail, links bound to an address, known
-- browsers, help asked for, and who does the housekeeping.

-- Per customer and role: whether 2FA is wanted, and from when it is required.
-- It stands with the customer, whose row every signed-in request reads anyway.
ALTER TABLE customers ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers ADD COLUMN user_policy {key} NOT NULL DEFAULT 'recommended' CHECK (user_policy IN ('off', 'recommended', 'required'));
ALTER TABLE customers ADD COLUMN user_required_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers ADD COLUMN administrator_policy {key} NOT NULL DEFAULT 'recommended' CHECK (administrator_policy IN ('off', 'recommended', 'required'));
ALTER TABLE customers ADD COLUMN administrator_required_from BIGINT NOT NULL DEFAULT 0;

-- The counts of the 2FA states are kept for each role, so that it can be told
-- whom a policy touches. SQLite cannot change a primary key in place.
CREATE TABLE customer_counts_2 (
  customer_id {key} NOT NULL REFERENCES customers (id),
  role {key} NOT NULL,
  twofa_state {key} NOT NULL,
  users BIGINT NOT NULL CHECK (users >= 0),
  PRIMARY KEY (customer_id, role, twofa_state)
) {strict};
INSERT INTO customer_counts_2 (customer_id, role, twofa_state, users)
  SELECT customer_id, role, twofa_state, COUNT(*) FROM users GROUP BY customer_id, role, twofa_state;
DROP TABLE customer_counts;
ALTER TABLE customer_counts_2 RENAME TO customer_counts;
CREATE INDEX users_without_2fa ON users (customer_id, role, name_key, id) WHERE twofa_state <> 'enabled';

-- Addresses count once they are confirmed; a pending one is told apart. A
-- frozen account waits for an administrator or a recovery code; must_reset_at
-- is since when the password has been known to somebody else.
ALTER TABLE users ADD COLUMN pending_email {text} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN second_email {text} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN pending_second_email {text} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN frozen_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN must_reset_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN reminded_at BIGINT NOT NULL DEFAULT 0;
-- 1: the password is too short to stand without a second factor. Those from
-- before this column all had to be long enough.
ALTER TABLE users ADD COLUMN password_short BIGINT NOT NULL DEFAULT 0 CHECK (password_short IN (0, 1));

-- failures: wrong codes in a row. told_step: a coming step whose code was told
-- to be one; it is spent. used_by: digest of the browser token that the last
-- code came with.
ALTER TABLE authenticators ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authenticators ADD COLUMN told_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authenticators ADD COLUMN used_by {bytes};
ALTER TABLE authenticators ADD COLUMN warned_at BIGINT NOT NULL DEFAULT 0;

ALTER TABLE recovery_codes ADD COLUMN key_id {key} NOT NULL DEFAULT '';
CREATE INDEX recovery_codes_by_key ON recovery_codes (key_id, user_id);

-- What throttles is for accounts, for login IDs that nobody has, under a keyed
-- digest: however many of them are tried, they stay apart.
CREATE TABLE unknown_names (
  bucket {key} PRIMARY KEY,
  hits BIGINT NOT NULL,
  since BIGINT NOT NULL,
  wait_until BIGINT NOT NULL
) {strict};

-- browser: digest of the known browser that the password came from, if it did.
ALTER TABLE half_sessions ADD COLUMN browser {bytes};

-- Links know who made them and the address they went to. SQLite cannot change
-- a check in place, so that the table is made anew.
CREATE TABLE links_2 (
  digest {bytes} PRIMARY KEY,
  customer_id {key} NOT NULL REFERENCES customers (id),
  purpose {key} NOT NULL CHECK (purpose IN ('set-up', 'invitation', 'reset', 'e-mail', 'second-e-mail')),
  subject {key} NOT NULL,
  security_version BIGINT NOT NULL,
  address {text} NOT NULL,
  made_by {key} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (customer_id, purpose, subject)
) {strict};
INSERT INTO links_2 (digest, customer_id, purpose, subject, security_version, address, made_by, created_at, expires_at)
  SELECT l.digest, l.customer_id, l.purpose, l.subject, l.security_version, COALESCE(u.email, ''), '', l.created_at, l.expires_at
  FROM links l LEFT JOIN users u ON u.customer_id = l.customer_id AND u.id = l.subject;
DROP TABLE links;
ALTER TABLE links_2 RENAME TO links;
CREATE INDEX links_by_end ON links (expires_at);

-- Links of "this was not me" in mails. Unlike the others, several are open at
-- once, and they outlive the change that they tell of.
CREATE TABLE alarms (
  digest {bytes} PRIMARY KEY,
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX alarms_by_user ON alarms (customer_id, user_id);
CREATE INDEX alarms_by_end ON alarms (expires_at);

-- Browsers in which a user has signed in. The token selects a budget against
-- guessing and grants nothing.
CREATE TABLE browsers (
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  digest {bytes} NOT NULL,
  agent {text} NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, digest),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX browsers_by_use ON browsers (last_used_at);
CREATE INDEX browsers_by_token ON browsers (digest);

-- The outbox. letter is sealed, and emptied once the mail has gone out.
CREATE TABLE mails (
  id {key} PRIMARY KEY,
  customer_id {key} NOT NULL REFERENCES customers (id),
  user_id {key} NOT NULL,
  kind {key} NOT NULL,
  recipient {text} NOT NULL,
  letter {bytes} NOT NULL,
  state {key} NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
  tries BIGINT NOT NULL,
  next_try_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  last_error {text} NOT NULL
) {strict};
CREATE INDEX mails_due ON mails (state, next_try_at, id);
CREATE INDEX mails_by_customer ON mails (customer_id, id);
CREATE INDEX mails_by_user ON mails (customer_id, user_id, kind, created_at);

-- Passwords that somebody asked to set anew, known names and unknown ones
-- alike; they are answered a moment later, so that the page takes as long for
-- both.
CREATE TABLE reset_requests (
  id {key} PRIMARY KEY,
  customer_id {key} NOT NULL REFERENCES customers (id),
  user_id {key} NOT NULL,
  created_at BIGINT NOT NULL,
  address {text} NOT NULL,
  agent {text} NOT NULL,
  request_id {key} NOT NULL
) {strict};

-- "I lost my phone", told to the administrators: one open request of a user.
CREATE TABLE help_requests (
  customer_id {key} NOT NULL,
  user_id {key} NOT NULL,
  created_at BIGINT NOT NULL,
  address {text} NOT NULL,
  agent {text} NOT NULL,
  PRIMARY KEY (customer_id, user_id),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON DELETE CASCADE
) {strict};
CREATE INDEX help_requests_by_age ON help_requests (customer_id, created_at, user_id);

-- Who does a job that one node at a time should do, and how far it got.
CREATE TABLE leases (
  name {key} PRIMARY KEY,
  holder {key} NOT NULL,
  until BIGINT NOT NULL,
  mark BIGINT NOT NULL
) {strict};

-- Nodes that are running, the keys that each has at hand, and the one that it
-- writes with.
CREATE TABLE nodes (
  id {key} PRIMARY KEY,
  host {text} NOT NULL,
  keys {text} NOT NULL,
  writes {key} NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
) {strict};

-- The sign-in before this one, and wrong tries since: told after the sign-in.
ALTER TABLE sessions ADD COLUMN before_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN before_address {text} NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN before_agent {text} NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN before_new BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN wrong_tries BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX half_sessions_by_end ON half_sessions (expires_at);

-- What is past its time is found by its age.
CREATE INDEX sessions_by_use ON sessions (last_seen_at);
CREATE INDEX throttles_by_age ON throttles (since);
CREATE INDEX unknown_names_by_age ON unknown_names (since);
CREATE INDEX pendings_by_end ON authenticators (expires_at) WHERE state = 'pending';
CREATE INDEX kept_setups ON users (twofa_changed_at, id) WHERE twofa_state = 'disabled';
CREATE INDEX mails_by_age ON mails (created_at);
CREATE INDEX reset_requests_by_age ON reset_requests (created_at);
CREATE INDEX help_requests_by_time ON help_requests (created_at);
CREATE INDEX nodes_by_age ON nodes (seen_at);

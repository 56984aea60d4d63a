package store

import (
	"context"
	"testing"
	"time"

	"portal"
	"portal/internal/testkit"
)

// released makes a database as the first release left it, with people in it.
func released(t *testing.T, c Config) {
	t.Helper()
	migrateTo(t, c, 1)
	pools, err := openPools(c.Database, c.DataFolder)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{pools: pools, now: c.Now, statements: newStatements(pools.prepare)}
	defer s.Close()
	for _, query := range []string{
		"INSERT INTO customers (id, name, name_key, created_at) VALUES ('c', 'Acme', 'acme', 1), ('d', 'Other', 'other', 1)",
		`INSERT INTO users (id, customer_id, login_id, login_key, name, name_key, email, role, state, password_hash, password_changed_at,
			twofa_state, twofa_changed_at, authenticator_id, security_version, created_at) VALUES
			('u1', 'c', 'a', 'a', 'A', 'a', 'a@example.com', 'user', 'active', 'h', 1, 'none', 1, NULL, 1, 1),
			('u2', 'c', 'b', 'b', 'B', 'b', 'b@example.com', 'user', 'active', 'h', 1, 'none', 1, NULL, 1, 1),
			('u3', 'c', 'c', 'c', 'C', 'c', 'c@example.com', 'administrator', 'active', 'h', 1, 'enabled', 1, 'x', 1, 1),
			('u4', 'd', 'd', 'd', 'D', 'd', 'd@example.com', 'administrator', 'active', 'h', 1, 'none', 1, NULL, 1, 1)`,
		"INSERT INTO customer_counts (customer_id, twofa_state, users) VALUES ('c', 'none', 2), ('c', 'enabled', 1), ('d', 'none', 1)",
	} {
		if _, err := s.writer.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
}

// What the first release has written is there after the upgrade: people,
// counted by role now, under the policy that everybody may choose.
func TestUpgradeKeepsWhatIsThere(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres, "postgres-icu": testkit.PostgresICU,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{Database: database(t), DataFolder: t.TempDir(), Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
			released(t, c)
			s, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			checkUpgraded(t.Context(), t, s)
		})
	}
}

func checkUpgraded(ctx context.Context, t *testing.T, s *Store) {
	t.Helper()
	for _, want := range []struct {
		customer portal.CustomerID
		role     portal.Role
		state    portal.TwoFactorState
		users    int64
	}{
		{"c", portal.RoleUser, portal.TwoFactorNone, 2}, {"c", portal.RoleUser, portal.TwoFactorEnabled, 0},
		{"c", portal.RoleAdministrator, portal.TwoFactorEnabled, 1}, {"d", portal.RoleAdministrator, portal.TwoFactorNone, 1},
	} {
		counts, err := s.View(want.customer).CountsOf(ctx, want.role)
		if err != nil || counts[want.state] != want.users {
			t.Errorf("%+v: %v, %v", want, counts, err)
		}
	}
	customer, err := s.View("c").Customer(ctx)
	if err != nil || customer.Policies != portal.DefaultPolicies() {
		t.Errorf("the customer is %+v, %v", customer, err)
	}
	user, err := s.View("c").User(ctx, "u3")
	if err != nil || user.LoginID != "c" || user.Frozen || user.MustReset {
		t.Errorf("the user is %+v, %v", user, err)
	}
}

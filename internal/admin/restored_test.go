package admin_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/testkit/house"
)

// A post-restore that was cut short goes on where it was: no customer has it
// done, or is told of it, twice; and who is no host may not.
func TestPostRestoreGoesOn(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		acme := h.Customer(t, "Acme")
		h.Customer(t, "Beta")
		h.User(t, acme, portal.RoleAdministrator, "ada")
		wendy := h.User(t, acme, portal.RoleUser, "wendy")
		h.Person(t, "wendy").Enable()
		outside := h.Outside(t)
		count := func(query string) (n int) {
			t.Helper()
			if err := outside.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if _, err := h.Admin.PostRestore(t.Context(), portal.Itself()); err == nil {
			t.Error("a job may do it")
		}
		host := acme
		host.CustomerID, host.CustomerName = portal.NoCustomer, ""
		all, err := h.Admin.PostRestore(t.Context(), host)
		if err != nil || all.Customers != 3 || all.Codes != 1 || all.Sessions != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		if left, err := h.Store.View(acme.CustomerID).RecoveryCodesLeft(t.Context(), wendy.ID); err != nil || left != 0 {
			t.Errorf("%d recovery codes are left, %v", left, err)
		}
		restored, err := h.Store.Restored(t.Context())
		if err != nil || !restored.Since.IsZero() || restored.Done.IsZero() {
			t.Errorf("it remembers %+v, %v", restored, err)
		}

		// As if it had been cut short before the end.
		if _, err := outside.ExecContext(t.Context(), "UPDATE leases SET mark = $1 WHERE name = 'post-restore, owed since'", house.Start().UnixMicro()); err != nil {
			t.Fatal(err)
		}
		if _, err := outside.ExecContext(t.Context(), "INSERT INTO customers (id, name, name_key, created_at) VALUES ('late', 'Late', 'late', 1)"); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute)
		if all, err = h.Admin.PostRestore(t.Context(), host); err != nil || all.Customers != 1 {
			t.Errorf("the second run does it to %d customers, want the one that is left: %v", all.Customers, err)
		}
		if events, mails := count("SELECT COUNT(*) FROM events WHERE action = 'Restored from a backup'"), count("SELECT COUNT(*) FROM mails WHERE kind = 'restored from a backup'"); events != 4 || mails != 1 {
			t.Errorf("%d events, %d mails; want one for each customer and the installation, and one mail", events, mails)
		}
	})
}

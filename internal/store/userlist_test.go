package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portal"
	"portal/internal/store"
)

// crowdOf400 adds 400 users: many with equal names, and names that databases
// like to sort in ways of their own.
func (b base) crowdOf400(t *testing.T, in portal.CustomerID) []portal.User {
	t.Helper()
	names := []string{"a_b", "a-b", "ab", "aB", "Z", "z", "Ärger", "Arger", "Zoë", "Zoe", "Éva", "Eva", "ß", "ss", "Ada Lovelace", "ada  lovelace"}
	all := make([]portal.User, 0, 400)
	b.write(t, in, func(tx *store.Tx) error {
		all = all[:0]
		for i := range 400 {
			u := someone(fmt.Sprintf("user%03d", i))
			u.Name = names[i%len(names)]
			if err := tx.AddUser(t.Context(), u, store.Password{Hash: "hash"}); err != nil {
				return err
			}
			all = append(all, u)
		}
		return nil
	})
	return all
}

// inOrder is the order that the list promises: by folded name, then by id, in
// code points, whatever the database.
func inOrder(users []portal.User) (ids []portal.UserID) {
	sorted := slices.Clone(users)
	slices.SortFunc(sorted, func(a, b portal.User) int {
		if c := strings.Compare(portal.FoldKey(a.Name), portal.FoldKey(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return idsOf(sorted)
}

func idsOf(users []portal.User) (ids []portal.UserID) {
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}

// forwards walks all pages from the first on.
func (b base) forwards(t *testing.T, in portal.CustomerID, q store.UserQuery) (all []portal.UserID) {
	t.Helper()
	for q.After = ""; ; {
		page, err := b.View(in).Users(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, idsOf(page)...)
		if len(all) > 1000 {
			t.Fatalf("%+v never ends: %v", q, all[len(all)-20:])
		}
		if len(page) < q.Limit {
			return all
		}
		q.After = page[len(page)-1].ID
	}
}

// backwards walks all pages from behind the last user, who is the last result.
func (b base) backwards(t *testing.T, in portal.CustomerID, q store.UserQuery, last portal.UserID) []portal.UserID {
	t.Helper()
	all := []portal.UserID{last}
	for q.Before = last; ; {
		page, err := b.View(in).Users(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(idsOf(page), all...)
		if len(all) > 1000 {
			t.Fatalf("%+v never ends: %v", q, all[:20])
		}
		if len(page) < q.Limit {
			return all
		}
		q.Before = page[0].ID
	}
}

// Paging by key shows everybody once, forwards as backwards, in one order on
// every database.
func TestUsersByPage(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		want := inOrder(b.crowdOf400(t, acme))
		b.user(t, b.customer(t, "other"), "stranger")
		for _, limit := range []int{1, 7, 50, 400, 1000} {
			q := store.UserQuery{Limit: limit}
			if got := b.forwards(t, acme, q); !slices.Equal(got, want) {
				t.Fatalf("pages of %d forwards: %v, want %v", limit, got, want)
			}
			if got := b.backwards(t, acme, q, want[len(want)-1]); !slices.Equal(got, want) {
				t.Fatalf("pages of %d backwards: %v, want %v", limit, got, want)
			}
		}
	})
}

// The filter by 2FA state keeps who stands in it, in the same order, and the
// filter moves with the user.
func TestUsersByState(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		all := b.crowdOf400(t, acme)
		for i, u := range all {
			all[i].CustomerID = acme
			if i%20 == 0 {
				b.enable(t, portal.User{ID: u.ID, CustomerID: acme})
			}
		}
		for state, keep := range map[portal.TwoFactorState]func(i int) bool{
			portal.TwoFactorEnabled:  func(i int) bool { return i%20 == 0 },
			portal.TwoFactorNone:     func(i int) bool { return i%20 != 0 },
			portal.TwoFactorDisabled: func(int) bool { return false },
		} {
			var some []portal.User
			for i, u := range all {
				if keep(i) {
					some = append(some, u)
				}
			}
			want := inOrder(some)
			if got := b.forwards(t, acme, store.UserQuery{State: state, Limit: 9}); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", state, got, want)
			}
			found := b.forwards(t, acme, store.UserQuery{State: state, Search: "user", Limit: 9})
			slices.Sort(want)
			if !slices.Equal(found, want) { // by login ID, which is the id here
				t.Errorf("%s, found: %v, want %v", state, found, want)
			}
		}
	})
}

// Several terms of a user may match; the user is listed once over all pages,
// forwards and backwards.
func TestSearchListsEachUserOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		want := make(map[portal.UserID]int)
		for i := range 60 {
			u := someone(fmt.Sprintf("ann%02d", i))
			u.Name = fmt.Sprintf("Anna%d Annabel Ann", i%7)
			b.add(t, acme, u)
			want[u.ID] = 1
		}
		for _, limit := range []int{1, 7, 60} {
			q := store.UserQuery{Search: "ANN", Limit: limit}
			got := b.forwards(t, acme, q)
			if seen := tally(got); fmt.Sprint(seen) != fmt.Sprint(want) {
				t.Errorf("pages of %d: %v", limit, seen)
			}
			if back := b.backwards(t, acme, q, got[len(got)-1]); !slices.Equal(back, got) {
				t.Errorf("pages of %d backwards: %v, forwards %v", limit, back, got)
			}
		}
	})
}

func tally(ids []portal.UserID) map[portal.UserID]int {
	seen := make(map[portal.UserID]int)
	for _, id := range ids {
		seen[id]++
	}
	return seen
}

func TestSearch(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		for _, u := range []portal.User{
			{LoginID: "ada", Name: "Ada King Lovelace", Email: "countess@example.com"},
			{LoginID: "bob", Name: "Straße 100% under_score", Email: "bob@example.com"},
			{LoginID: "cyd", Name: `Back\slash O'Hara`, Email: "cyd@example.com"},
			{LoginID: "dee", Name: "Zoë Ångström", Email: "dee+tag@example.com"},
			{LoginID: "eve", Name: "\U0001F600 Smile", Email: "eve@example.com"},
		} {
			u.ID, u.Role, u.State = portal.UserID(u.LoginID), portal.RoleUser, portal.UserActive
			b.add(t, acme, u)
		}
		for search, want := range map[string]string{
			"ada": "ada", "ADA": "ada", "king": "ada", "love": "ada", "king love": "ada", "ada  king": "ada", "countess@": "ada",
			"ovelace": "", "ada lovelace": "", "STRASSE": "bob", "strasse 100%": "bob", "under_s": "bob", "%": "", "_": "", `\`: "",
			"100%": "bob", "100_": "", `back\`: "cyd", "o'": "cyd", "' OR 1=1 --": "", "ZOË": "dee", "zoe\u0308": "dee", "zoe": "",
			"ångström": "dee", "\u212Bngstrom": "", "dee+": "dee", "ｄｅｅ": "dee", "\U0001F600": "eve", "nobody": "",
		} {
			users, err := b.View(acme).Users(t.Context(), store.UserQuery{Search: search, Limit: 10})
			got := make([]string, 0, len(users))
			for _, u := range users {
				got = append(got, u.LoginID)
			}
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q finds %v, %v; want %q", search, got, err, want)
			}
		}
	})
}

// An edited user is found by the new name only.
func TestSearchAfterEdit(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.enable(t, u)
		u.Stored, u.Name, u.Email = portal.TwoFactorEnabled, "Wanda Newname", "new@example.com"
		b.write(t, u.CustomerID, func(tx *store.Tx) error { return tx.EditUser(t.Context(), u) })
		for search, want := range map[string]int{"name": 0, "wendy@": 0, "newname": 1, "new@": 1, "wendy": 1} {
			users, err := b.View(u.CustomerID).Users(t.Context(), store.UserQuery{Search: search, State: portal.TwoFactorEnabled, Limit: 9})
			if err != nil || len(users) != want {
				t.Errorf("%q finds %d, %v; want %d", search, len(users), err, want)
			}
		}
	})
}

// Behind somebody who is not there, or does not match, is nobody.
func TestUsersFromAnUnknownKey(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		b.user(t, acme, "wendy")
		for _, q := range []store.UserQuery{
			{After: "gone"}, {Before: "gone"}, {After: "gone", Search: "we"}, {Before: "gone", Search: "we"},
			{After: "u-wendy", Search: "unlike"}, {Before: "u-wendy", Search: "name of"},
		} {
			q.Limit = 5
			users, err := b.View(acme).Users(t.Context(), q)
			if err != nil || len(users) != 0 {
				t.Errorf("%+v: %d users, %v", q, len(users), err)
			}
		}
	})
}

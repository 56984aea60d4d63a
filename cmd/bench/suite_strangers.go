package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// A stranger must not learn from the time of an answer whether there is an
// account (AU-07). Each kind of login ID is tried on accounts of its own, the
// kinds in turns; a sample is the median of a block of tries.
const (
	strangerBlocks = 10
	blockSize      = 20
	strangerTries  = strangerBlocks * blockSize
)

// stranger is a kind of login ID that somebody may try, one for each try.
type stranger struct {
	kind   string
	logins []string
}

// strangers compares the time of a refusal for all kinds of login ID.
func (b *bench) strangers(ctx context.Context) error {
	kinds, err := b.small.strangers(ctx)
	if err != nil {
		return err
	}
	for _, page := range []struct {
		name, path string
		want       int
	}{{"sign-in", "/sign-in", 422}, {"forgot password", "/forgot-password", 303}} {
		if err := b.strangersAt(ctx, page.name, page.path, page.want, kinds); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) strangersAt(ctx context.Context, name, path string, want int, kinds []stranger) error {
	sides := make([]side, len(kinds))
	for i, k := range kinds {
		sides[i] = side{k.kind, func(ctx context.Context, block int) (outcome, error) {
			return b.knock(ctx, path, want, k.logins[block*blockSize:(block+1)*blockSize])
		}}
	}
	samples, err := interleave(ctx, strangerBlocks, sides...)
	if err != nil {
		return err
	}
	for _, k := range kinds[1:] {
		b.report.versus(name+", "+k.kind, kinds[0].kind, "p50 µs", of(samples[k.kind], medianOf), of(samples[kinds[0].kind], medianOf), aim{})
	}
	return nil
}

// knock tries each login ID once, with a wrong password, one after the other.
func (b *bench) knock(ctx context.Context, path string, want int, logins []string) (outcome, error) {
	next := 0
	return b.smallPortal.put(ctx, load{workers: 1, lasting: time.Minute, want: want, next: func(int) []byte {
		if next == len(logins) {
			return nil
		}
		form := url.Values{"login_id": {logins[next]}, "password": {"wrong, but long enough"}}
		next++
		return request(b.smallPortal.base.Host, "POST", path, "", form.Encode())
	}})
}

// strangers names the login IDs of each kind; those that the house lacks are
// added.
func (h *house) strangers(ctx context.Context) ([]stranger, error) {
	kinds := []stranger{
		{"known", h.logins(portal.TwoFactorNone)}, {"known, with 2FA", h.logins(portal.TwoFactorEnabled)},
		{"unknown", invented("nobody")}, {"suspended", invented("closed")}, {"invited", invented("invited")},
	}
	hash, err := seal.NewHasher(seal.DefaultParams(), 1, 0).Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	return kinds, h.store.WriteUnaudited(ctx, customer, "a benchmark has no audit", func(tx *store.Tx) error {
		if there, err := tx.Users(ctx, store.UserQuery{Search: kinds[4].logins[0], Limit: 1}); err != nil || len(there) > 0 {
			return err
		}
		return errors.Join(addAll(ctx, tx, kinds[3].logins, portal.UserSuspended, store.Password{Hash: hash}), addAll(ctx, tx, kinds[4].logins, portal.UserActive, store.Password{}))
	})
}

func addAll(ctx context.Context, tx *store.Tx, logins []string, state portal.UserState, hash store.Password) error {
	for _, login := range logins {
		u := portal.User{
			ID: portal.UserID(login), CustomerID: customer, LoginID: login, Name: login, Email: login + "@northwind.example",
			Role: portal.RoleUser, State: state,
		}
		if err := tx.AddUser(ctx, u, hash); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) logins(state portal.TwoFactorState) (all []string) {
	for number := 1; number < h.users; number++ {
		if stateOf(number) == state {
			all = append(all, invent(customer, number).LoginID)
		}
	}
	return all
}

func invented(word string) (all []string) {
	for i := range strangerTries {
		all = append(all, fmt.Sprintf("%s.somebody%d", word, i))
	}
	return all
}

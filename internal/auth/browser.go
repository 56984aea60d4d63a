package auth

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// browser is where a request came from, as one account sees it. A browser is
// known to an account that was fully signed in to with it; that gives its tries
// a budget of their own, which no stranger can use up, and nothing else (AU-14).
type browser struct {
	// token is what it will hold once its user is signed in: its own where that
	// is known to this user, or else a new one. A token that somebody put into
	// another person's browser is worth nothing that way.
	token  string
	digest []byte
	// since is when it became known; zero where it is not. No sign-in of
	// somebody else changes it, as it does the token.
	since time.Time
	was   []byte // digest of the token that token takes the place of, if any
}

func (b browser) known() bool { return !b.since.IsZero() }

// browserOf looks at the token that a request brought. For a login ID that
// nobody has it asks the same question, in vain.
func (s *Service) browserOf(ctx context.Context, user portal.User, o portal.Origin) (browser, error) {
	brought, ok := seal.TokenDigest(o.Browser)
	if ok {
		view := s.store.View(user.CustomerID)
		since, err := view.KnownBrowser(ctx, user.ID, brought, view.Now.Add(-s.limits.KnownBrowser))
		if !errors.Is(err, store.ErrNotFound) {
			return browser{token: o.Browser, digest: brought, since: since}, err
		}
	}
	b := browser{token: seal.NewToken(), was: brought}
	b.digest, _ = seal.TokenDigest(b.token)
	return b, nil
}

// browserAt is browserOf at the second step: that the browser is known was asked
// at the first one, minutes ago.
func (s *Service) browserAt(ctx context.Context, h store.HalfSession, o portal.Origin) (browser, error) {
	if brought, ok := seal.TokenDigest(o.Browser); ok && !h.KnownSince.IsZero() && hmac.Equal(brought, h.Browser) {
		return browser{token: o.Browser, digest: brought, since: h.KnownSince}, nil
	}
	return s.browserOf(ctx, portal.User{ID: h.UserID, CustomerID: h.CustomerID}, o)
}

// knowBrowser makes the browser that was signed in with a known one, in the
// transaction of the sign-in. Others who use it go along to the new token.
func (s *Service) knowBrowser(ctx context.Context, tx *store.Tx, p proven) error {
	if p.browser.was != nil {
		if err := tx.MoveBrowser(ctx, p.browser.was, p.browser.digest); err != nil {
			return err
		}
	}
	return tx.PutBrowser(ctx, p.user.ID, p.browser.digest, p.origin.Agent)
}

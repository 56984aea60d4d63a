package web

import (
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// Bare fills the templates of pages in and does nothing else: it asks for no
// right and knows no request, no header, no log. The benchmark holds the portal
// against it, to tell what the rules and the edge cost.
type Bare struct{ press }

// NewBare parses the templates.
func NewBare() (Bare, error) {
	p, err := newPress()
	return Bare{p}, err
}

// Home is the home page of the actor.
func (b Bare) Home(actor portal.Actor, now time.Time) ([]byte, error) {
	return b.fill(homeOf(actor), actor, "/", now)
}

// Account is the Account page.
func (b Bare) Account(actor portal.Actor, account auth.Account, now time.Time) ([]byte, error) {
	p, err := accountOf(actor, account, now, accountNews{})
	if err != nil {
		return nil, err
	}
	p.Password = passwordRegion{
		Ask: auth.Ask{Password: true, Code: account.TwoFactor.AsksCode(), Recovery: account.TwoFactor.AsksCode()}, LoginID: actor.LoginID,
		Clock: clock(now),
	}
	return b.fill(p, actor, "/account", now)
}

// Access is a page of the list of users.
func (b Bare) Access(actor portal.Actor, q admin.UserQuery, found admin.UserPage, now time.Time) ([]byte, error) {
	return b.fill(accessPage{Customer: actor.CustomerName, Query: q, Found: found, Self: actor.UserID}, actor, accessPath, now)
}

// SignIn is the sign-in page.
func (b Bare) SignIn(now time.Time) ([]byte, error) {
	return b.fill(signInPage{}, portal.Actor{}, "/sign-in", now)
}

func (b Bare) fill(p page, actor portal.Actor, path string, now time.Time) ([]byte, error) {
	return b.print(b.viewOf(p, actor, path, now))
}

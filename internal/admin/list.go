package admin

import (
	"context"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// pageSize is how many users or events a page lists.
const pageSize = 50

// recentEvents is how many events the page of a user shows.
const recentEvents = 10

// UserQuery asks for one page of the customer's users.
type UserQuery struct {
	Search        string
	State         portal.TwoFactorState // empty: any
	After, Before portal.UserID
}

// UserPage is one page of users, and the ways on and back; empty means none.
type UserPage struct {
	Users          []portal.User
	Counts         map[portal.TwoFactorState]int64
	Previous, Next portal.UserID
}

// Users lists one page of the customer's users.
func (s *Service) Users(ctx context.Context, actor portal.Actor, q UserQuery) (UserPage, error) {
	if err := actor.Can(portal.SeeUsers); err != nil {
		return UserPage{}, err
	}
	view := s.store.View(actor.CustomerID)
	users, err := view.Users(ctx, store.UserQuery{
		Search: q.Search, State: q.State, After: q.After, Before: q.Before, Limit: pageSize + 1,
	})
	if err != nil {
		return UserPage{}, err
	}
	if len(users) == 0 && q.After+q.Before != "" { // whoever the page was left at is gone, or was the last: begin anew
		return s.Users(ctx, actor, UserQuery{Search: q.Search, State: q.State})
	}
	counts, err := view.Counts(ctx)
	page := paged(users, q)
	page.Counts = counts
	return page, err
}

// paged cuts the one user too many off, which tells that there is more.
func paged(users []portal.User, q UserQuery) UserPage {
	var page UserPage
	more := len(users) > pageSize
	switch {
	case q.Before != "":
		users = users[max(0, len(users)-pageSize):]
		page.Next = lastOf(users)
		if more {
			page.Previous = firstOf(users)
		}
	default:
		users = users[:min(len(users), pageSize)]
		if more {
			page.Next = lastOf(users)
		}
		if q.After != "" {
			page.Previous = firstOf(users)
		}
	}
	page.Users = users
	return page
}

func firstOf(users []portal.User) portal.UserID {
	if len(users) == 0 {
		return ""
	}
	return users[0].ID
}

func lastOf(users []portal.User) portal.UserID {
	if len(users) == 0 {
		return ""
	}
	return users[len(users)-1].ID
}

// UserDetail is what an administrator sees of one user: state and dates,
// never anything secret (DP-04).
type UserDetail struct {
	User           portal.User
	TwoFactorSince time.Time
	LastSignIn     time.Time
	Sessions       int
	HelpAskedAt    time.Time // zero where no help is asked for
	// InvitedUntil is how long the open invitation is good for; zero: none is.
	InvitedUntil time.Time
	Addresses    auth.Addresses
	Activity     []portal.Event
}

// User reads one user of the customer.
func (s *Service) User(ctx context.Context, actor portal.Actor, id portal.UserID) (UserDetail, error) {
	if err := actor.Can(portal.SeeUsers); err != nil {
		return UserDetail{}, err
	}
	user, err := s.user(ctx, actor, id)
	if err != nil {
		return UserDetail{}, err
	}
	detail := UserDetail{User: user}
	view := s.store.View(actor.CustomerID)
	sessions, err := view.SessionsOf(ctx, id, s.limits.Idle)
	if err != nil {
		return UserDetail{}, err
	}
	detail.Sessions = len(sessions)
	if detail.TwoFactorSince, err = view.TwoFactorSince(ctx, id); err != nil {
		return UserDetail{}, err
	}
	if detail.LastSignIn, err = view.LastSignIn(ctx, id); err != nil {
		return UserDetail{}, err
	}
	if detail.InvitedUntil, err = s.auth.InvitedUntil(ctx, view, id); err != nil {
		return UserDetail{}, err
	}
	if detail.HelpAskedAt, err = view.HelpAskedAt(ctx, id); err != nil {
		return UserDetail{}, err
	}
	if detail.Addresses, err = s.auth.AddressesOf(ctx, view, id); err != nil {
		return UserDetail{}, err
	}
	detail.Activity, err = view.Events(ctx, store.EventQuery{Person: id, Limit: recentEvents})
	return detail, err
}

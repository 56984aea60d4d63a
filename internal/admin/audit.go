package admin

import (
	"context"
	"errors"
	"time"

	"portal"
	"portal/internal/store"
)

// EventQuery asks for one page of the customer's audit trail, newest first.
type EventQuery struct {
	// Person is a login ID: events by or on this person. Empty: everybody.
	Person      string
	Action      portal.Action
	From, Until time.Time // at or after, and before
	Before      int64     // older than this event; 0 means from the newest
}

// EventPage is one page of events. Next goes into Before for the page after
// it; 0 means that there is none.
type EventPage struct {
	Events []portal.Event
	Next   int64
}

// Events reads one page of the actor's customer's audit trail (LG-08).
func (s *Service) Events(ctx context.Context, actor portal.Actor, q EventQuery) (EventPage, error) {
	if err := actor.Can(portal.ReadAudit); err != nil {
		return EventPage{}, err
	}
	person, err := s.person(ctx, actor, q.Person)
	if err != nil {
		return EventPage{}, err
	}
	events, err := s.store.View(actor.CustomerID).Events(ctx, store.EventQuery{
		Person: person, Action: q.Action, From: q.From, Until: q.Until, Before: q.Before, Limit: pageSize + 1,
	})
	if err != nil {
		return EventPage{}, err
	}
	page := EventPage{Events: events[:min(len(events), pageSize)]}
	if len(events) > pageSize {
		page.Next = page.Events[pageSize-1].ID
	}
	return page, nil
}

// nobody is a person with no events.
const nobody portal.UserID = "nobody"

// person finds whom a login ID names among the customer's users; a foreign
// one is nobody, like one that does not exist (AZ-05).
func (s *Service) person(ctx context.Context, actor portal.Actor, loginID string) (portal.UserID, error) {
	if loginID == "" {
		return "", nil
	}
	who, err := s.store.CredentialsByLogin(ctx, loginID)
	if errors.Is(err, store.ErrNotFound) || (err == nil && who.CustomerID != actor.CustomerID) {
		return nobody, nil
	}
	return who.ID, err
}

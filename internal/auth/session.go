package auth

import (
	"context"
	"errors"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// touchEvery is how often the use of a session is written down at most.
const touchEvery = time.Minute

// Authenticate finds out whose session a token opens. It is the one look-up of
// every signed-in request; nothing about it is cached (SE-06).
func (s *Service) Authenticate(ctx context.Context, o portal.Origin, token string) (portal.Actor, error) {
	digest, ok := seal.TokenDigest(token)
	if !ok {
		return portal.Stranger(o), portal.SignInFirst()
	}
	live, err := s.store.SessionByDigest(ctx, digest, s.limits.Idle)
	if errors.Is(err, store.ErrNotFound) {
		return portal.Stranger(o), portal.SignInFirst()
	}
	if err != nil {
		return portal.Stranger(o), err
	}
	if s.now().Sub(live.LastSeenAt) >= touchEvery {
		if err := s.store.Touch(ctx, live.User.CustomerID, live.ID); err != nil {
			s.log.WarnContext(ctx, "the use of a session was not noted", "error", err)
		}
	}
	return actorOf(live, o, s.now()), nil
}

func actorOf(live store.LiveSession, o portal.Origin, now time.Time) portal.Actor {
	u := live.User
	policy := live.Policies.Of(u.Role)
	return portal.Actor{
		Kind: portal.ActorUser, UserID: u.ID, CustomerID: u.CustomerID, CustomerName: live.CustomerName,
		LoginID: u.LoginID, Name: u.Name, Role: u.Role, Origin: o, Stored: u.Stored,
		SessionID: live.ID, SignedInAt: live.CreatedAt, SteppedUpAt: live.SteppedUpAt,
		ShortPassword: u.ShortPassword, Policy: policy, Owes: portal.DebtOf(u, policy, now), Last: live.Before,
	}
}

// proven is a user together with what has been proven in this very request.
type proven struct {
	user    portal.User
	by      store.Proofs
	origin  portal.Origin
	browser browser
	before  portal.LastTime
}

// openSession is the only function that creates sessions (AU-08). It refuses
// where the account owes a second factor that was not proven. The browser is a
// known one from then on.
func (s *Service) openSession(ctx context.Context, tx *store.Tx, p proven) (SignedIn, error) {
	if p.user.State != portal.UserActive || p.user.Frozen || (p.user.TwoFactor().AsksCode() && p.by == store.ByPassword) {
		return SignedIn{}, portal.SignInFirst()
	}
	id, err := newID()
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.knowBrowser(ctx, tx, p); err != nil {
		return SignedIn{}, err
	}
	if err := s.tellSuspicious(ctx, tx, p); err != nil {
		return SignedIn{}, err
	}
	token := seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	return SignedIn{Session: token, Browser: p.browser.token}, tx.AddSession(ctx, store.Session{
		ID: portal.SessionID(id), UserID: p.user.ID, SecurityVersion: p.user.SecurityVersion, Proofs: p.by,
		ExpiresAt: tx.Now.Add(s.limits.Overall), Address: p.origin.Address, Agent: p.origin.Agent, Before: p.before,
	}, digest, s.limits.Sessions)
}

// renew gives the acting session a new token in this transaction.
func (s *Service) renew(ctx context.Context, tx *store.Tx, actor portal.Actor) (Renewed, error) {
	token := seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	ok, err := tx.RenewSession(ctx, actor.SessionID, digest)
	if err == nil && !ok {
		err = portal.SignInFirst()
	}
	return Renewed{Session: token}, err
}

// SignOut ends the acting session.
func (s *Service) SignOut(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.SignOut); err != nil {
		return err
	}
	return s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if _, err := tx.EndSession(ctx, actor.UserID, actor.SessionID); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.SignedOut).On(own(actor)))
	})
}

// EndSession ends one of the actor's sessions; NotFound where it is none.
func (s *Service) EndSession(ctx context.Context, actor portal.Actor, id portal.SessionID, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	return s.underStepUp(ctx, actor, NeedFresh, p, func(tx *store.Tx) error {
		ended, err := tx.EndSession(ctx, actor.UserID, id)
		if err == nil && !ended {
			err = portal.NotFound()
		}
		if err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.SessionsEnded).On(own(actor)).With("one session"))
	})
}

// EndOtherSessions ends all of the actor's sessions but the acting one, which
// gets a new token: a stolen copy of the old one ends as well.
func (s *Service) EndOtherSessions(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	return s.securityChange(ctx, actor, NeedFresh, p, func(tx *store.Tx, user portal.User) error {
		return tx.Record(ctx, actor.Did(portal.SessionsEnded).On(user).With("all other sessions"))
	})
}

// own is the actor as target of an event.
func own(actor portal.Actor) portal.User {
	return portal.User{ID: actor.UserID, CustomerID: actor.CustomerID, LoginID: actor.LoginID, Name: actor.Name}
}

// EndSessionsOf ends all sessions of a user inside the caller's transaction,
// after a security change by an administrator. Where the actor changed the own
// account the acting session goes on under a new token.
func (s *Service) EndSessionsOf(ctx context.Context, tx *store.Tx, actor portal.Actor, target portal.UserID) (Renewed, error) {
	if target == actor.UserID {
		return s.settle(ctx, tx, actor)
	}
	_, err := tx.EndSessions(ctx, target, "")
	return Renewed{}, err
}

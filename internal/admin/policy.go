package admin

import (
	"context"
	"fmt"
	"strings"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// shownPeople is how many of those whom a policy touches are named.
const shownPeople = 6

// PolicyChange is what a customer shall want of its roles.
type PolicyChange struct {
	portal.Policies
	// Version is that of the policies that the form has shown; what has changed
	// since is not overwritten. Empty: not told.
	Version string
}

// RolePolicy is what a customer wants of a role, and how its people stand.
type RolePolicy struct {
	Role   portal.Role
	Policy portal.Policy
	Counts map[portal.TwoFactorState]int64
}

// Without is how many people of the role have no 2FA enabled.
func (r RolePolicy) Without() int64 {
	return r.Counts[portal.TwoFactorNone] + r.Counts[portal.TwoFactorDisabled]
}

// Total is how many people have the role.
func (r RolePolicy) Total() int64 { return r.Without() + r.Counts[portal.TwoFactorEnabled] }

// Policy reads the customer's policy, role by role.
func (s *Service) Policy(ctx context.Context, actor portal.Actor) (portal.Policies, []RolePolicy, error) {
	if err := actor.Can(portal.SetPolicy); err != nil {
		return portal.Policies{}, nil, err
	}
	view := s.store.View(actor.CustomerID)
	customer, err := view.Customer(ctx)
	if err != nil {
		return portal.Policies{}, nil, err
	}
	var roles []RolePolicy
	for _, role := range rolesUnder(actor) {
		counts, err := view.CountsOf(ctx, role)
		if err != nil {
			return portal.Policies{}, nil, err
		}
		roles = append(roles, RolePolicy{role, customer.Policies.Of(role), counts})
	}
	return customer.Policies, roles, nil
}

// rolesUnder are the roles that have a policy: those of a customer, or the one
// of the installation itself.
func rolesUnder(actor portal.Actor) []portal.Role {
	if actor.CustomerID == portal.NoCustomer {
		return []portal.Role{portal.RoleOperator}
	}
	return customerRoles
}

var customerRoles = []portal.Role{portal.RoleUser, portal.RoleAdministrator}

// PolicyEffect is what a changed policy means for the people of a role.
type PolicyEffect struct {
	RolePolicy
	To portal.Policy
	// First are the first, by name, of those without 2FA.
	First []portal.User
}

// PreviewPolicy tells whom a change would touch, and whatever stands against
// it. It reads a few rows, however many people there are.
func (s *Service) PreviewPolicy(ctx context.Context, actor portal.Actor, wanted PolicyChange) ([]PolicyEffect, error) {
	now, roles, err := s.Policy(ctx, actor)
	if err != nil {
		return nil, err
	}
	view := s.store.View(actor.CustomerID)
	to, err := s.mayChange(ctx, view, actor, now, wanted)
	if err != nil {
		return nil, err
	}
	var effects []PolicyEffect
	for _, role := range roles {
		effect := PolicyEffect{RolePolicy: role, To: to.Of(role.Role)}
		if effect.To == effect.Policy {
			continue
		}
		effect.First, err = view.Unprotected(ctx, store.UnprotectedQuery{Role: role.Role, Limit: shownPeople})
		if err != nil {
			return nil, err
		}
		effects = append(effects, effect)
	}
	return effects, nil
}

// mayChange says what stands against a change of the policy, or what it comes
// to.
func (s *Service) mayChange(ctx context.Context, view store.View, actor portal.Actor, now portal.Policies, wanted PolicyChange) (portal.Policies, error) {
	if wanted.Version != "" && wanted.Version != now.Version() {
		return now, portal.Conflict("The policy has changed since this page was shown. Look again before you save.")
	}
	to, err := now.Checked(wanted.Policies, view.Now)
	if err != nil {
		return now, err
	}
	if actor.CustomerID == portal.NoCustomer && to.User != now.User {
		return now, portal.Invalid(portal.FieldUserPolicy, "Users belong to a customer. The installation has operators alone.")
	}
	changed := to.Changed(now)
	if len(changed) == 0 {
		return now, portal.Conflict("This is how the policy stands already. Nothing was changed.")
	}
	for _, role := range changed {
		if to.Of(role).Mode != portal.PolicyRequired {
			continue
		}
		if err := s.auth.MayRequire(ctx, view, actor); err != nil {
			return now, err
		}
	}
	return to, nil
}

// SetPolicy changes what the customer wants of its roles (AU-09). It holds from
// the next request of everybody on.
func (s *Service) SetPolicy(ctx context.Context, actor portal.Actor, wanted PolicyChange, p auth.Proof) (auth.Renewed, error) {
	if _, err := s.PreviewPolicy(ctx, actor, wanted); err != nil { // before a proof is spent
		return auth.Renewed{}, err
	}
	renewed, err := s.auth.StepUp(ctx, actor, auth.NeedProof, p)
	if err != nil {
		return renewed, err
	}
	return renewed, s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := s.auth.RequireStepUp(ctx, tx, actor, auth.NeedProof); err != nil {
			return err
		}
		return s.setPolicy(ctx, tx, actor, wanted)
	})
}

// setPolicy changes, records and tells the other administrators.
func (s *Service) setPolicy(ctx context.Context, tx *store.Tx, actor portal.Actor, wanted PolicyChange) error {
	customer, err := tx.Customer(ctx)
	if err != nil {
		return err
	}
	to, err := s.mayChange(ctx, tx.View, actor, customer.Policies, wanted)
	if err != nil {
		return err
	}
	if err := tx.SetPolicies(ctx, to); err != nil {
		return err
	}
	change := inWords(rolesUnder(actor), customer.Policies, to)
	if err := tx.Record(ctx, actor.Did(portal.PolicyChanged).With(change)); err != nil {
		return err
	}
	letter := portal.Letter{Kind: portal.MailPolicyChanged, Detail: change}
	if actor.CustomerID == portal.NoCustomer {
		return s.auth.TellOperators(ctx, tx, actor, letter)
	}
	return s.auth.TellAdministrators(ctx, tx, actor, letter, actor.UserID)
}

// firstPolicies begins a customer under other policies than the usual ones.
func firstPolicies(ctx context.Context, tx *store.Tx, actor portal.Actor, policies portal.Policies) error {
	usual := portal.DefaultPolicies()
	if policies == usual {
		return nil
	}
	if err := tx.SetPolicies(ctx, policies); err != nil {
		return err
	}
	return tx.Record(ctx, actor.Did(portal.PolicyChanged).With(inWords(customerRoles, usual, policies)))
}

// inWords says what has changed: old → new of each role.
func inWords(roles []portal.Role, from, to portal.Policies) string {
	var changes []string
	for _, role := range roles {
		if old, now := from.Of(role), to.Of(role); old != now {
			changes = append(changes, fmt.Sprintf("%s: %s → %s", role.Label(), old.Words(), now.Words()))
		}
	}
	return strings.Join(changes, "; ")
}

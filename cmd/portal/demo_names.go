package main

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"portal"
	"portal/internal/admin"
)

// demoFirst and demoLast are the names that the demo's people are made of.
const (
	demoFirst = "Adaeze Amara Anton Aylin Beatriz Bjørn Carla Chen Chloé Daniel Diego Dina Elif Emeka Eva Farid Fatima Felix " +
		"Gary Giulia Grace Hana Henrik Hugo Ines Ivan Jasmin João Jonas Julia Kai Karim Kofi Lars Laura Leila Liam Lucía " +
		"Maja Marek Mei Mina Nadia Nils Noor Olga Omar Paula Pedro Priya Rafael Ravi Rosa Samir Sofia Søren Tariq Tomás " +
		"Uma Vera Wendy Yara Yusuf Zoë"
	demoLast = "Abubakar Andersson Baker Bianchi Castillo Costa Demir Dubois Eriksen Fischer Fofana García Haddad Hansen " +
		"Ibrahim Ito Jansen Kaya Keller Khan Kovács Kowalski Lund Marques Mensah Moreau Müller Nakamura Novak Obi Okafor " +
		"Olsen Park Petrov Rahman Rossi Sato Schmidt Silva Singh Tanaka Torres Weber Wilson Wójcik Yilmaz Zhang"
)

// person invents somebody whose login ID is free.
func (d *demo) person(c demoCustomer) admin.NewUser {
	first, last := strings.Fields(demoFirst), strings.Fields(demoLast)
	for {
		name := first[d.chance.IntN(len(first))] + " " + last[d.chance.IntN(len(last))]
		login := demoLogin(name)
		if d.taken[login] {
			continue
		}
		d.taken[login] = true
		return admin.NewUser{
			LoginID: login, Name: name, Email: fmt.Sprintf("%s@%s", login, c.domain), Role: string(portal.RoleUser),
		}
	}
}

// demoLogin writes a name in plain letters: "Zoë Müller" is zoe.muller.
func demoLogin(name string) string {
	plain := strings.NewReplacer("ø", "o", "ł", "l", "Ø", "O").Replace(strings.ToLower(name))
	bare, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), plain)
	if err != nil {
		bare = plain
	}
	return strings.ReplaceAll(bare, " ", ".")
}

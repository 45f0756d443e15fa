package usage

import (
	"maps"
	"slices"
	"strings"
)

// rollup is what is known of one day, or of some people on it, or what is new of them: who viewed what, and who
// was a member of which monitored queues at any time in it. Views only grow, so one that is taken in twice makes no
// difference. What is said of a member takes the place of what was, since a leave may become known late.
type rollup struct {
	// views is the last view, in Unix milliseconds, by user and dashboard.
	views map[string]map[string]int64
	// queues are sorted, by user. None at all is news of somebody who was a member by what was known before.
	queues map[string][]string
}

func newRollup() *rollup {
	return &rollup{views: map[string]map[string]int64{}, queues: map[string][]string{}}
}

// view takes in one view, and tells whether it is news.
func (r *rollup) view(user, dashboard string, at int64) bool {
	last := r.views[user]
	if last == nil {
		last = map[string]int64{}
		r.views[user] = last
	}
	known, there := last[dashboard]
	if there && known >= at {
		return false
	}
	last[dashboard] = at
	return true
}

// monitor takes in more of a member's queues.
func (r *rollup) monitor(user string, queues []string) {
	if known := r.queues[user]; !slices.Equal(known, queues) {
		r.queues[user] = union(known, queues)
	}
}

// take takes in what is new of some people, and tells of whom any of it differs from what was known.
func (r *rollup) take(news *rollup, people []string) (differ []string) {
	for _, user := range people {
		differs := false
		for dashboard, at := range news.views[user] {
			differs = r.view(user, dashboard, at) || differs
		}
		if queues, told := news.queues[user]; told {
			differs = differs || !slices.Equal(r.queues[user], queues)
			r.queues[user] = queues
		}
		if differs {
			differ = append(differ, user)
		}
	}
	return differ
}

// whole drops what only says that somebody was no member, for there is no more to know.
func (r *rollup) whole() *rollup {
	maps.DeleteFunc(r.queues, func(_ string, queues []string) bool { return len(queues) == 0 })
	return r
}

// union is a new sorted list of what is in either.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// people lists everybody in the rollup, sorted.
func (r *rollup) people() []string {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(r.queues)), maps.Keys(r.views))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// counts are persons: agents, viewers, and both together, each once (requirements, section 1).
func (r *rollup) counts() (monitored, viewers, active int) {
	active = len(r.queues)
	for user := range r.views {
		if _, also := r.queues[user]; !also {
			active++
		}
	}
	return len(r.queues), len(r.views), active
}

// monitoredQueues are all queues that have members, who share lists of them.
func (r *rollup) monitoredQueues() map[string]struct{} {
	all, seen := map[string]struct{}{}, map[*string]struct{}{}
	for _, queues := range r.queues {
		if len(queues) == 0 {
			continue
		}
		if _, again := seen[&queues[0]]; again {
			continue
		}
		seen[&queues[0]] = struct{}{}
		for _, queue := range queues {
			all[queue] = struct{}{}
		}
	}
	return all
}

// chunk is the document of a part of a rollup: of the people of a leaf, or of those of whom something is recent.
// Members of the same queues are named together, which makes the rollup of a large account a small one.
type chunk struct {
	Agents  []agents `json:"agents,omitempty"`
	Viewers []viewer `json:"viewers,omitempty"`
}

type agents struct {
	Queues []string `json:"queues"`
	Users  []string `json:"users"`
}

type viewer struct {
	User string `json:"user"`
	// Last is the last view by dashboard, in Unix milliseconds.
	Last map[string]int64 `json:"last"`
}

// unpack takes in a chunk, of a leaf, of which there may be more with the same person.
func (r *rollup) unpack(c chunk) {
	for _, group := range c.Agents {
		for _, user := range group.Users {
			if r.queues[user] == nil {
				r.queues[user] = group.Queues // shared by the group: monitor copies before it changes anything
				continue
			}
			r.monitor(user, group.Queues)
		}
	}
	for _, v := range c.Viewers {
		for dashboard, at := range v.Last {
			r.view(v.User, dashboard, at)
		}
	}
}

const (
	// chunkBytes is about how large a chunk gets; an item takes 400 KB.
	chunkBytes = 250 << 10
	// groupIDs bounds the queues, or dashboards, that are named at once of a person who fills a chunk
	// alone: 64 bytes each, they are far from filling one.
	groupIDs = 500
	// idBytes is what an id takes beside its own bytes: quotes and a comma, or a colon and a time.
	idBytes = 20
)

// packed is a chunk and the first person in it.
type packed struct {
	first string
	chunk
}

// pack makes the chunks of a rollup, of about so many bytes at most, the same ones for the same rollup: in the
// order of the people, of about one size, so that each takes in some more before it is divided. Only who is too
// much for one is in several, alone.
func (r *rollup) pack(limit int) []packed {
	users := r.people()
	p := r.packWithin(users, limit)
	if n := len(p.full); n > 1 {
		even := p.bytes / n
		p = r.packWithin(users, min(even+even/8, limit))
	}
	return p.full
}

// member is what is known of a person's queues: told is false if nothing is.
type member struct {
	queues []string
	told   bool
	group  string
}

func (r *rollup) packWithin(users []string, limit int) *packer {
	p := &packer{limit: limit, groups: map[string]int{}}
	for _, user := range users {
		queues, told := r.queues[user]
		p.add(user, member{queues, told, strings.Join(queues, "#")}, r.views[user]) // no id has that character
	}
	p.end()
	return p
}

// packer fills chunks one after the other.
type packer struct {
	limit int
	full  []packed
	now   packed
	// groups are the places in now.Agents by their queues.
	groups map[string]int
	size   int // bytes of now
	bytes  int // bytes of all
}

// add puts a person into the chunk, or into the next one if they do not fit.
func (p *packer) add(user string, m member, views map[string]int64) {
	size := p.sizeOf(user, m, views)
	if p.size > 0 && p.size+size > p.limit {
		p.end()
		size = p.sizeOf(user, m, views)
	}
	if size > p.limit {
		p.addAlone(user, m, views)
		return
	}
	p.grow(user, size)
	if m.told {
		group, known := p.groups[m.group]
		if !known {
			group = len(p.now.Agents)
			p.groups[m.group], p.now.Agents = group, append(p.now.Agents, agents{Queues: m.queues})
		}
		p.now.Agents[group].Users = append(p.now.Agents[group].Users, user)
	}
	if len(views) > 0 {
		p.now.Viewers = append(p.now.Viewers, viewer{User: user, Last: views})
	}
}

// addAlone puts a person who does not fit into one chunk into as many as it takes.
func (p *packer) addAlone(user string, m member, views map[string]int64) {
	put := func(ids []string) {
		size := idsBytes(ids) + idsBytes([]string{user})
		if p.size+size > p.limit {
			p.end()
		}
		p.grow(user, size)
	}
	if m.told && len(m.queues) == 0 {
		put(nil)
		p.now.Agents = append(p.now.Agents, agents{Users: []string{user}})
	}
	for part := range slices.Chunk(m.queues, groupIDs) {
		put(part)
		p.now.Agents = append(p.now.Agents, agents{Queues: part, Users: []string{user}})
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(views)), groupIDs) {
		put(part)
		last := make(map[string]int64, len(part))
		for _, dashboard := range part {
			last[dashboard] = views[dashboard]
		}
		p.now.Viewers = append(p.now.Viewers, viewer{User: user, Last: last})
	}
	p.end()
}

// grow makes the person's bytes those of the chunk.
func (p *packer) grow(user string, size int) {
	if p.size == 0 {
		p.now.first = user
	}
	p.size += size
	p.bytes += size
}

// sizeOf is about how many bytes a person adds to the chunk.
func (p *packer) sizeOf(user string, m member, views map[string]int64) int {
	size := 0
	if m.told {
		size += len(user) + idBytes
		if _, known := p.groups[m.group]; !known {
			size += idsBytes(m.queues)
		}
	}
	if len(views) > 0 {
		size += len(user) + idBytes
		for dashboard := range views {
			size += len(dashboard) + idBytes
		}
	}
	return size
}

// end closes the chunk unless it is empty.
func (p *packer) end() {
	if p.size > 0 {
		p.full, p.now, p.size = append(p.full, p.now), packed{}, 0
		clear(p.groups)
	}
}

func idsBytes(ids []string) int {
	n := 0
	for _, id := range ids {
		n += len(id) + idBytes
	}
	return n
}

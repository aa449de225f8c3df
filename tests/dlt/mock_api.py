"""A simulated API: the one of dlt's own tests, and what else the cases ask for.

Every case and side has a folder of its own, `/<case>/<side>/…`, so that their requests are told apart. What is asked is
kept in `MockApi.requests`. A second run of a case sees the records that are new by then: `MockApi.runs` says which run
it is.
"""

import base64
import collections
import http.server
import json
import re
import sys
import threading
import urllib.parse

POSTS = [{"id": number, "title": f"Post {number}"} for number in range(25)]
PAGE_SIZE = 5

# The headers that are compared: what a spec sets or a credential goes into.
COMPARED_HEADERS = ("authorization", "cookie", "content-type")
COMPARED_PREFIXES = ("x-", "api-")


def comments(post):
    return [{"id": number, "post_id": post, "body": f"Comment {number} for post {post}"} for number in range(50)]


def detail(post):
    return {"id": post, "body": f"Post body {post}"}


def event(number):
    return {"id": number, "sequence": number * 10, "updated_at": f"2024-01-{number + 1:02}T00:00:00Z", "day": f"2024-01-{number + 1:02}"}


class Answer(Exception):
    """What is answered in place of a body that a route returns."""

    def __init__(self, status, body=None, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class Asked:
    """One request, read."""

    def __init__(self, handler, api):
        parts = urllib.parse.urlsplit(handler.path)
        _, case, side, rest = parts.path.split("/", 3)
        self.scope = f"{case}/{side}"
        self.origin = f"http://{handler.headers['Host']}"
        self.base = f"{self.origin}/{self.scope}"
        self.method = handler.command
        self.path = "/" + rest
        self.query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        self.params = dict(self.query)
        self.headers = handler.headers
        self.raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.run = api.runs[self.scope]
        self.given = api.given
        self.served = api.served[self.scope]

    @property
    def json(self):
        return json.loads(self.raw or b"{}")

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.raw.decode()))

    def described(self):
        """The request in one line, as cases and reports write it."""
        query = urllib.parse.urlencode(sorted(self.query))
        host = self.headers["Host"].split(":")[0]
        line = f"{self.method} " + ("" if host == "127.0.0.1" else f"//{host}") + self.path + (f"?{query}" if query else "")
        headers = [
            f"{name.lower()}: {value}"
            for name, value in sorted(self.headers.items())
            if name.lower() in COMPARED_HEADERS or name.lower().startswith(COMPARED_PREFIXES)
        ]
        line += "".join(f" [{header}]" for header in headers)
        if self.raw:
            try:
                body = json.dumps(json.loads(self.raw), sort_keys=True)
            except ValueError:
                body = self.raw.decode()
            line += f" {body}"
        return line


ROUTES = []


def route(pattern, method="GET"):
    """Serves a path; `{name}` stands for a segment."""

    def add(function):
        expression = re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", pattern)
        ROUTES.append((method, re.compile(expression + "/?$"), function))
        return function

    return add


def cut(records, start, size=PAGE_SIZE):
    return records[start : start + size]


def numbered(asked, records, *, base=1, key="data", page=None, links=True, path=None):
    """Pages by number, with the number of pages and a link to the next one, as in dlt's tests."""
    page = int(asked.params.get("page", base)) if page is None else page
    pages = -(-len(records) // PAGE_SIZE)
    answer = {key: cut(records, (page - base) * PAGE_SIZE), "page": page, "total_pages": pages}
    if links and page - base + 1 < pages:
        answer["next_page"] = f"{asked.base}{path or asked.path}?page={page + 1}"
    return answer


# Lists of objects, of scalars, in objects, in lists, of several kinds, and where other records have something else.
DOCUMENTS = [
    {
        "id": 1,
        "tags": ["a", "b", None],
        "items": [
            {"sku": "x", "count": 1, "parts": [{"part": 1}, {"part": 2}], "place": {"shelf": 5, "marks": [7]}},
            {"sku": "y", "parts": [], "place": {"shelf": None}},
        ],
        "extra": {"notes": [{"text": "first"}], "rank": 1},
        "mixed": [1, {"key": True}, [5, 6], None],
        "matrix": [[1, 2], [], [3]],
        "empty": [],
        "either": ["q"],
    },
    {"id": 2, "tags": [], "items": None, "either": "s", "extra": {}, "empty": []},
    {"id": 3, "either": {"inner": [1]}, "items": [{"sku": "z"}], "tags": ["a"]},
]


# --- the API of dlt's own tests ---


@route("/posts")
def posts(asked):
    return numbered(asked, POSTS)


@route("/documents")
def documents(asked):
    return [{**document, "run": asked.run} for document in DOCUMENTS]


@route("/posts_zero_based")
def posts_zero_based(asked):
    return numbered(asked, POSTS, base=0, links=False)


@route("/posts_total_pages")
def posts_total_pages(asked):
    return numbered(asked, POSTS, links=False)


@route("/posts_header_link")
def posts_header_link(asked):
    page = int(asked.params.get("page", 1))
    headers = {}
    if page < 5:
        headers["Link"] = f'<{asked.base}/posts_header_link?page=1>; rel="first", <{asked.base}/posts_header_link?page={page + 1}>; rel="next"'
    raise Answer(200, cut(POSTS, (page - 1) * PAGE_SIZE), headers)


@route("/posts_header_cursor")
def posts_header_cursor(asked):
    page = int(asked.params.get("page", 1))
    raise Answer(200, cut(POSTS, (page - 1) * PAGE_SIZE), {"Cursor": str(page + 1)} if page < 5 else {})


@route("/posts_relative_next_url")
def posts_relative_next_url(asked):
    page = int(asked.params.get("page", 1))
    answer = {"data": cut(POSTS, (page - 1) * PAGE_SIZE)}
    if page < 5:
        answer["next_page"] = f"?page={page + 1}"
    return answer


@route("/posts_offset_limit")
def posts_offset_limit(asked):
    offset, limit = int(asked.params.get("offset", 0)), int(asked.params.get("limit", 10))
    return {"data": cut(POSTS, offset, limit), "total_records": len(POSTS), "offset": offset, "limit": limit}


@route("/posts_offset_limit_via_json_body", "POST")
def posts_offset_limit_via_json_body(asked):
    paging = asked.json.get("paging", asked.json)
    offset, limit = int(paging.get("offset", 0)), int(paging.get("limit", 10))
    return {"data": cut(POSTS, offset, limit), "total_records": len(POSTS)}


@route("/posts_cursor")
def posts_cursor(asked):
    offset = int(asked.params.get("cursor", 0))
    following = offset + PAGE_SIZE
    return {"data": cut(POSTS, offset), "next_cursor": following if following < len(POSTS) else None}


@route("/posts_cursor_via_json_body", "POST")
def posts_cursor_via_json_body(asked):
    offset = int(asked.json.get("page", {}).get("cursor", 0))
    following = offset + PAGE_SIZE
    return {"data": cut(POSTS, offset), "next_cursor": following if following < len(POSTS) else None}


@route("/posts_cursor_null_terminated")
def posts_cursor_null_terminated(asked):
    offset = int(asked.params.get("cursor", 0))
    if offset >= len(POSTS):
        return {"data": None, "next_cursor": None}
    return {"data": cut(POSTS, offset), "next_cursor": offset + PAGE_SIZE}


@route("/posts/{id}/comments")
def post_comments_of(asked, id):
    return numbered(asked, comments(int(id)))


@route("/post_comments")
def post_comments(asked):
    return {"data": cut(comments(int(asked.params["post_id"])), 0)}


@route("/post_comments", "POST")
def post_comments_by_body(asked):
    return {"data": cut(comments(asked.json["post_id"]), 0)}


@route("/post_comments_via_headers")
def post_comments_via_headers(asked):
    return {"data": cut(comments(int(asked.headers["x-post-id"])), 0)}


@route("/post_comments_via_form_data", "POST")
def post_comments_via_form_data(asked):
    return {"data": cut(comments(int(asked.form["post_id"])), 0)}


@route("/posts/{id}")
def post(asked, id):
    return detail(int(id))


@route("/post_detail", "POST")
def post_detail(asked):
    return detail(asked.json["post_id"])


@route("/posts/{id}/some_details_404")
def some_details_404(asked, id):
    if int(id) > 0:
        raise Answer(404, {"error": "Post not found"})
    return detail(0)


@route("/posts/{id}/some_details_404_others_422")
def some_details_404_others_422(asked, id):
    if int(id) > 0:
        raise Answer(404 if int(id) % 2 else 422, {"error": "Post not found"})
    return detail(0)


@route("/posts/{id}/some_details_204")
def some_details_204(asked, id):
    if int(id) > 0:
        raise Answer(204)
    return detail(0)


@route("/posts_under_a_different_key")
def posts_under_a_different_key(asked):
    return numbered(asked, POSTS, key="many-results", links=False)


@route("/posts/search", "POST")
def posts_search(asked):
    body = asked.json
    size, page = body.get("page_size", PAGE_SIZE), body.get("page", 1)
    found = [post for post in POSTS if post["id"] > body.get("ids_greater_than", -1)]
    pages = -(-len(found) // size)
    answer = {"data": cut(found, (page - 1) * size, size), "total_pages": pages}
    if page < pages:
        answer["next_page"] = page + 1
    return answer


@route("/posts/search_by_id/{id}", "POST")
def posts_search_by_id(asked, id):
    body = asked.json
    return {"data": [detail(int(id)) | {"more": body.get("more")}]}


@route("/posts_with_reactions")
def posts_with_reactions(asked):
    reactions = [{"id": number, "kind": f"kind {number}"} for number in range(5)]
    return {"data": [post | {"author": {"name": "A", "address": {"city": "B"}}, "reactions": reactions} for post in POSTS]}


def protected(asked, expected):
    if asked.headers["Authorization"] != expected:
        raise Answer(401, {"error": "unauthorized"})
    return posts(asked)


@route("/protected/posts/basic-auth")
def protected_basic(asked):
    return protected(asked, "Basic " + base64.b64encode(b"user:p\xc3\xa4ss").decode())


@route("/protected/posts/bearer-token")
def protected_bearer(asked):
    return protected(asked, "Bearer test-token")


@route("/protected/posts/api-key")
def protected_api_key(asked):
    if asked.headers["X-Api-Key"] != "test-key":
        raise Answer(401, {"error": "unauthorized"})
    return posts(asked)


@route("/protected/posts/api-key-in-query")
def protected_api_key_in_query(asked):
    if asked.params.get("api_key") != "test-key":
        raise Answer(401, {"error": "unauthorized"})
    return posts(asked)


@route("/protected/posts/api-key-in-cookie")
def protected_api_key_in_cookie(asked):
    if asked.headers["Cookie"] != "session=test-key":
        raise Answer(401, {"error": "unauthorized"})
    return posts(asked)


@route("/protected/posts/oauth")
def protected_oauth(asked):
    return protected(asked, "Bearer granted-1")


@route("/oauth/token", "POST")
def oauth_token(asked):
    form = asked.form
    if (form.get("client_id"), form.get("client_secret")) != ("test-client", "test-secret"):
        raise Answer(401, {"error": "invalid_client"})
    return {"access_token": "granted-1", "expires_in": 3600, "token_type": "Bearer"}


# --- what else the cases ask for ---


@route("/records")
@route("/records", "POST")
def records(asked):
    """Always the same three records, whatever is asked."""
    return {"items": [{"id": number} for number in (1, 2, 3)]}


@route("/a%20b%2Fc%3Fd%23e/detail")
def escaped_path(asked):
    return {"items": [{"id": "a b/c?d#e"}]}


@route("/odd_ids")
def odd_ids(asked):
    return {"items": [{"id": "a b/c?d#e"}]}


@route("/organisations/{organisation}/repositories")
def repositories_of(asked, organisation):
    return {"items": [{"id": number, "name": f"{organisation}-{number}"} for number in (1, 2)]}


@route("/organisations")
def organisations(asked):
    return {"items": [{"id": 7, "name": "dlt", "owner": {"id": "o7", "labels": ["x", "y"]}}, {"id": 8, "name": "hub", "owner": {"id": "o8", "labels": ["z"]}}]}


@route("/repositories/{name}/issues")
def issues_of(asked, name):
    return {"items": [{"number": number, "of": name} for number in (1, 2, 3)]}


@route("/nested")
def nested(asked):
    return {"meta": {"links": ["a"]}, "response": {"result": {"posts": cut(POSTS, 0)}}, "first": [{"id": "wrong"}]}


@route("/keyed")
def keyed(asked):
    return {"people": {"a": {"id": "a", "age": 1}, "b": {"id": "b", "age": 2}}}


@route("/odata")
def odata(asked):
    skip = int(asked.params.get("$skip", 0))
    answer = {"value": cut(POSTS, skip)}
    if skip + PAGE_SIZE < len(POSTS):
        answer["@odata.nextLink"] = f"{asked.base}/odata?$skip={skip + PAGE_SIZE}"
    return answer


@route("/wrapped")
def wrapped(asked):
    return {"data": {"id": 1, "name": "one"}}


@route("/list")
def bare_list(asked):
    return cut(POSTS, 0)


@route("/object")
def bare_object(asked):
    return {"id": 1, "name": "one"}


@route("/null_items")
def null_items(asked):
    return {"items": None}


@route("/kinds")
def kinds(asked):
    return {
        "items": [
            {"id": 1, "flag": True, "count": 3, "ratio": 1.5, "text": "ünï", "at": "2024-01-31T12:00:00+02:00", "on": "2024-01-31", "nothing": None},
            {"id": 2, "flag": False, "count": -3, "ratio": 0.25, "text": "", "at": "2024-02-01T00:00:00Z", "on": "2024-02-01", "nothing": None, "deep": {"camelCase": {"n": 1}}},
        ]
    }


@route("/coerced")
def coerced(asked):
    return {"items": [{"id": 1, "flag": True, "at": "2024-01-31T12:00:00Z", "number": 1}, {"id": 2, "flag": 5, "at": 5, "number": 2.5}]}


@route("/clashing_keys")
def clashing_keys(asked):
    return {"items": [{"id": 1, "userId": "first", "user_id": "second"}]}


@route("/large_numbers")
def large_numbers(asked):
    return {"items": [{"id": 18446744073709551615}, {"id": 1}]}


@route("/until_empty")
def until_empty(asked):
    """Offset and limit without any total."""
    return {"items": cut(POSTS, int(asked.params.get("offset", 0)), int(asked.params.get("limit", 10)))}


@route("/pages_until_empty")
def pages_until_empty(asked):
    page = int(asked.params.get("page", 1))
    return {"items": cut(POSTS, (page - 1) * PAGE_SIZE) if page >= 1 else []}


@route("/offset_has_more")
def offset_has_more(asked):
    offset, limit = int(asked.params.get("offset", 0)), int(asked.params.get("limit", 10))
    return {"items": cut(POSTS, offset, limit), "meta": {"has_more": offset + limit < len(POSTS)}}


@route("/page_has_more")
def page_has_more(asked):
    page = int(asked.params.get("page", 1))
    return {"items": cut(POSTS, (page - 1) * PAGE_SIZE), "more": "yes" if page < 5 else "no"}


@route("/clamped")
def clamped(asked):
    """Gives at most ten records, however many are asked for."""
    offset, limit = int(asked.params.get("offset", 0)), min(int(asked.params.get("limit", 10)), 10)
    return {"items": cut(POSTS, offset, limit), "total": len(POSTS)}


@route("/cursor_has_more")
def cursor_has_more(asked):
    """A cursor on every page, also on the last one."""
    offset = int(asked.params.get("after", 0))
    following = offset + PAGE_SIZE
    return {"items": cut(POSTS, offset), "cursor": following, "has_more": following < len(POSTS)}


@route("/cursor_until_empty")
def cursor_until_empty(asked):
    offset = int(asked.params.get("after", 0))
    return {"items": cut(POSTS, offset), "cursor": offset + PAGE_SIZE}


@route("/cursor_zero")
def cursor_zero(asked):
    """The cursor of the second page is the number 0."""
    if "cursor" in asked.params:
        return {"items": cut(POSTS, 5), "next": None}
    return {"items": cut(POSTS, 0), "next": 0}


@route("/cursor_paging")
def cursor_paging(asked):
    """A cursor in a member that is called `next`."""
    offset = int(asked.params.get("cursor", 0))
    following = offset + PAGE_SIZE
    return {"items": cut(POSTS, offset), "next": following if following < len(POSTS) else None}


@route("/empty_link")
def empty_link(asked):
    page = int(asked.params.get("page", 1))
    return {"items": cut(POSTS, (page - 1) * PAGE_SIZE), "next": f"{asked.base}/empty_link?page={page + 1}" if page < 5 else ""}


@route("/link_elsewhere")
def link_elsewhere(asked):
    """The second page lies on a host of another name."""
    if "page" in asked.params:
        return {"items": cut(POSTS, PAGE_SIZE)}
    return {"items": cut(POSTS, 0), "next": asked.base.replace("127.0.0.1", "localhost") + "/link_elsewhere?page=2"}


@route("/twice")
def twice(asked):
    return {"items": [{"id": 1}, {"id": 1}]}


@route("/flaky")
def flaky(asked):
    if asked.served["flaky"] < 3:
        raise Answer(503, {"error": "busy"})
    return records(asked)


@route("/broken")
def broken(asked):
    raise Answer(200, b"The service is being maintained.", {"Content-Type": "text/plain"})


@route("/forbidden")
def forbidden(asked):
    raise Answer(403, {"error": "forbidden"})


def known_events(asked):
    return [event(number) for number in range(10 if asked.run == 1 else 13)]


@route("/events")
def events(asked):
    """Events from `since` on; a second run sees three more."""
    since, until = asked.params.get("since", ""), asked.params.get("until", "9")
    return {"items": [event for event in known_events(asked) if since <= event["updated_at"] < until]}


@route("/events", "POST")
def events_by_body(asked):
    return {"items": [event for event in known_events(asked) if event["updated_at"] >= asked.json["since"]]}


@route("/sequence")
def sequence(asked):
    since = int(asked.params.get("since", 0))
    return {"items": [event for event in known_events(asked) if event["sequence"] >= since]}


@route("/all_events")
def all_events(asked):
    """All events, whatever is asked."""
    return {"items": known_events(asked)}


@route("/given/{name}")
def given(asked, name):
    """The records that the case gives for the run."""
    return {"items": asked.given[name][asked.run - 1]}


@route("/some_without_cursor")
def some_without_cursor(asked):
    return {"items": [{"id": 1, "updated_at": "2024-01-05T00:00:00Z"}, {"id": 2}, {"id": 3, "updated_at": None}]}


@route("/events_downwards")
def events_downwards(asked):
    """The newest first, two a page."""
    page = int(asked.params.get("page", 1))
    newest_first = known_events(asked)[::-1]
    return {"items": cut(newest_first, (page - 1) * 2, 2), "total": -(-len(newest_first) // 2)}


@route("/events_upwards")
def events_upwards(asked):
    page = int(asked.params.get("page", 1))
    oldest_first = known_events(asked)
    return {"items": cut(oldest_first, (page - 1) * 2, 2), "total": -(-len(oldest_first) // 2)}


@route("/accounts")
def accounts(asked):
    return {"items": [{"id": number} for number in (1, 2)]}


@route("/accounts/{id}/events")
def events_of_account(asked, id):
    """Account 1 has a newer event than account 2."""
    newest = {"1": 6, "2": 3}[id]
    since = int(asked.params.get("since", 0))
    return {"items": [{"account": int(id), "sequence": number} for number in range(1, newest + 1) if number >= since]}


class MockApi:
    """Serves on a free port of the loopback address until it is closed."""

    def __init__(self):
        self.requests = collections.defaultdict(list)
        self.runs = collections.defaultdict(lambda: 1)
        self.given = {}
        self.served = collections.defaultdict(collections.Counter)
        self._lock = threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                asked = Asked(self, api)
                with api._lock:
                    api.requests[asked.scope].append(asked.described())
                    asked.served[asked.path.strip("/")] += 1
                status, body, headers = api.find(asked)
                content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | headers).items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = answer

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                # A client may drop a connection that it kept open.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(request, client_address)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def find(asked):
        for method, pattern, function in ROUTES:
            match = pattern.match(asked.path)
            if match and method == asked.method:
                try:
                    return 200, function(asked, **match.groupdict()), {}
                except Answer as answer:
                    return answer.status, answer.body, answer.headers
                except (KeyError, ValueError, TypeError) as error:
                    return 400, {"error": f"bad request: {error!r}"}, {}
        return 404, {"error": f"no route {asked.method} {asked.path}"}, {}

    def close(self):
        self._server.shutdown()
        self._server.server_close()

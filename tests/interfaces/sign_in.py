"""Whoever takes part in a sign-in: a person at a browser, and the program that asks."""

import base64
import hashlib
import secrets
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from interfaces.house import ACCESS, PUBLIC, House

HOME = "http://localhost"
CLIENT, REDIRECT = "our-client", "http://127.0.0.1:4711/callback"
FACADE = f"""\
sign_in:
  registration: true
  clients:
    - {{ id: {CLIENT}, name: "Our <b>Client</b>", redirects: ["http://127.0.0.1/callback", "cursor://here/back"] }}
"""
LOCAL = ACCESS.replace(PUBLIC, HOME) + FACADE


class Browser:
    """Somebody at a browser: keeps cookies, follows redirects, presses buttons."""

    def __init__(self, house: House, login: str = "bob") -> None:
        self.house = house
        self.login = login
        self.http = house.http()
        self.page = httpx2.Response(204)

    async def open(self, **asked: str) -> httpx2.Response:
        self.page = await self.http.get("/authorize", params=asked)
        return self.page

    async def press(self, answer: str = "yes", origin: str = HOME, **changed: str) -> httpx2.Response:
        question = unescape(self.page.text.partition('name="question" value="')[2].partition('"')[0])
        form = {"question": question, "answer": answer, **changed}
        return await self.http.post("/consent", data=form, headers={"Origin": origin})

    async def prove(self, sent_on: httpx2.Response) -> str:
        """GitHub's answer: back to us."""
        self.house.github.signed_in = self.login
        request = httpx2.Request("GET", sent_on.headers["location"])
        return self.house.github.answer(request).headers["location"]

    async def back(self, location: str) -> httpx2.Response:
        parts = urlsplit(location)
        assert f"{parts.scheme}://{parts.netloc}" == HOME
        return await self.http.get(f"{parts.path}?{parts.query}")

    async def signed_in(self, **asked: str) -> dict[str, str]:
        """What the client hears at the end of the whole way."""
        await self.open(**asked)
        return said(await self.back(await self.prove(await self.press())))


class Program:
    """A client with its own proof."""

    def __init__(self, house: House, name: str = CLIENT, redirect: str = REDIRECT) -> None:
        self.house = house
        self.name = name
        self.redirect = redirect
        self.verifier = secrets.token_urlsafe(48)

    def question(self, **changed: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.name,
            "redirect_uri": self.redirect,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "state": "the-state",
            "scope": "read write",
            "resource": f"{HOME}/mcp",
            **changed,
        }
        return {name: value for name, value in asked.items() if value}

    async def send(self, path: str, **form: str) -> httpx2.Response:
        async with self.house.http() as http:
            return await http.post(path, data=form)

    async def exchange(self, given: str, **changed: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": given, "client_id": self.name}
        form |= {"redirect_uri": self.redirect, "code_verifier": self.verifier}
        return await self.send("/token", **(form | changed))

    async def refresh(self, token: str, **changed: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.name}
        return await self.send("/token", **(form | changed))

    async def tokens(self, login: str = "bob", **changed: str) -> dict[str, Any]:
        answer = await Browser(self.house, login).signed_in(**self.question(**changed))
        return (await self.exchange(answer["code"])).json()


def said(response: httpx2.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))

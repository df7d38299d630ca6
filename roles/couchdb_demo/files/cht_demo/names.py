# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invented names of people and places, in several scripts."""

from __future__ import annotations

import random
from typing import Tuple

FEMALE = (
    "Amina", "Achieng", "Wanjiru", "Grace", "Fatou", "Zainab", "Mariam", "Esther", "Nafula", "Hawa", "Chipo", "Lindiwe",
    "Thandeka", "Adwoa", "Ngozi", "Khadija", "Salome", "Joyce", "Sarita", "Maya", "Aïssatou", "Célestine", "Brígida",
    "सीता", "राधिका", "प्रतिमा", "ሰላማዊት", "ትዕግስት", "فاطمة", "عائشة", "সুমাইয়া", "নাসরিন", "မေသူ", "Nguyễn Lan", "Ọmọlará")
MALE = (
    "Juma", "Otieno", "Kamau", "Peter", "Mamadou", "Ibrahim", "Yusuf", "David", "Wafula", "Musa", "Tendai", "Sipho",
    "Kwame", "Chukwuemeka", "Hassan", "Baraka", "Samuel", "Ramesh", "Bishal", "José", "Moïse", "Kofi", "Amadou",
    "हरि", "सुरेश", "ዳዊት", "አበበ", "محمد", "خالد", "রহিম", "করিম", "အောင်", "Trần Minh", "Olúwaṣeun")
FAMILY = (
    "Odhiambo", "Mwangi", "Diallo", "Banda", "Phiri", "Okafor", "Mensah", "Traoré", "Juma", "Kiplagat", "Nabwire",
    "Tamang", "Gurung", "Shrestha", "Moyo", "Dube", "Tembo", "Ouédraogo", "Sesay", "Koroma", "Njoroge", "Chebet",
    "थापा", "कार्की", "ተስፋዬ", "ገብረ", "الحسن", "حسين", "ইসলাম", "হোসেন", "N'Diaye", "D'Souza", "Müller-Adongo")
FACILITY = (
    "Kilima", "Mto Mweupe", "Upper Bandari", "Lakeview", "Saint-Éloi", "Nyota", "Hill Crest", "Pont Neuf", "सूर्यपुर",
    "Old Market", "Ziwani", "Riverside", "ሰላም", "Green Valley", "Tumaini", "Mlima", "Harbour", "Savane", "Mwanga", "Baobab")
AREA = (
    "Mwembe", "Kisima", "Daraja", "Shamba", "Bonde", "Jiwe", "Ufukwe", "Msitu", "Chemchemi", "Barabara", "Kijani",
    "Nyasi", "Mchanga", "Mvinje", "Tausi", "Upepo", "Kaskazini", "Kusini", "Mashariki", "Magharibi", "गाउँ", "ተራራ",
    "الوادي", "নদী", "Côte-Belle", "São Pedro")


def person_name(rng: random.Random, sex: str) -> Tuple[str, str]:
    """Return a full name and the given name used as the short name (10 characters at most)."""
    given = rng.choice(FEMALE if sex == "female" else MALE)
    return f"{given} {rng.choice(FAMILY)}", given[:10]


def facility_name(number: int) -> str:
    """Name of facility `number`, unique for each number from 0."""
    return _numbered(FACILITY, number) + " Health Facility"


def area_name(number: int) -> str:
    """Name of area `number`, unique for each number from 0."""
    return _numbered(AREA, number) + " Area"


def _numbered(pool: Tuple[str, ...], number: int) -> str:
    name = pool[number % len(pool)]
    return name if number < len(pool) else f"{name} {number // len(pool) + 1}"

"""What the portal says in French."""

from typing import Final

from service.portal import phrases
from service.wording.language import Language
from service.wording.typography import typeset_all

_MENU: Final = phrases.Menu(
    how="Comment ça marche",
    deadlines="Délais",
    privacy="Confidentialité",
    answer="Ma réponse",
    requests="Mes démarches",
    leave="Quitter",
    your_number="Numéro vérifié : {number}",
    foot_law="Logiciel libre. Rien ici n'est un avis juridique : ce sont des déclarations, avec le nom de qui les "
    "fait.",
    foot_complain="Vous pouvez à tout moment adresser une plainte à la CNIL :",
)

_HOME: Final = phrases.Home(
    title="Qui leur a donné votre numéro ?",
    lead="Un SMS d'un parti, d'une marque, d'un inconnu. Ici, vous voyez qui a recueilli votre numéro et dans quels "
    "mots, par quelles mains il est passé, qui l'a aujourd'hui. Et vous dites non à tous, en une fois.",
    label="Votre numéro de téléphone mobile",
    hint="Par exemple 06 39 98 00 00. Vous allez recevoir un code par SMS : personne d'autre que vous ne peut poser "
    "la question.",
    send="Recevoir un code",
    controller="Responsable de ce registre : {names}.",
    kept="Le numéro que vous écrivez sert à vous envoyer le code, puis à vous répondre. Il est chiffré dès son "
    "arrivée, et effacé à la fin de votre visite. Vos droits, et ce qui est gardé :",
    steps_title="En une minute",
    steps=(
        (
            "Vous prouvez que le numéro est à vous",
            "Un code à six chiffres, par SMS. Ni compte, ni nom, ni adresse.",
        ),
        (
            "Vous voyez le chemin",
            "De la case que vous avez cochée, peut-être, jusqu'au message reçu : chaque organisme par son nom.",
        ),
        (
            "Vous dites non, une seule fois",
            "Votre opposition part vers chaque organisme connu ici qui a votre numéro, et vous suivez ce que chacun en "
            "fait.",
        ),
    ),
    limits_title="Ce que ce registre ne sait pas",
    limits="Il ne connaît que ce que les organismes y ont déclaré. Quand une origine n'est affirmée que par "
    "l'acheteur, quand deux fichiers se contredisent, quand personne ne dit d'où vient votre numéro, c'est écrit tel "
    "quel.",
    left="Vous avez quitté : votre session est effacée, ici et dans votre navigateur.",
    expired="Votre visite est terminée, ou n'a pas commencé : elle dure trente minutes au plus. Demandez un code.",
)

_CODE: Final = phrases.Code(
    title="Le code reçu par SMS",
    sent="Un code à six chiffres est parti vers le {number}. Il vaut cinq minutes.",
    label="Code à six chiffres",
    hint="Ne le donnez à personne : nous ne vous le demanderons jamais au téléphone.",
    confirm="Continuer",
    not_received_title="Rien reçu ?",
    arrival=phrases.Arrival(
        unknown="Nous ignorons si le message est arrivé : votre opérateur n'a rien signalé.",
        delivered="Votre opérateur signale que le message est arrivé.",
        failed="Votre opérateur signale que le message n'a pas pu être remis.",
    ),
    not_received="Un SMS met parfois une minute. Un nouveau code remplace le précédent.",
    still_not_received="Toujours rien ? Vérifiez le numéro écrit plus haut, et les messages indésirables de votre "
    "téléphone. Si vous ne pouvez pas recevoir de SMS, écrivez-nous. Notre adresse est ici :",
    again="Envoyer un nouveau code",
    again_in="Nouveau code possible dans {seconds} s",
    sent_again="Un nouveau code est parti. Seul le dernier vaut.",
    change="Corriger le numéro",
    demo="Ceci est une démonstration : aucun SMS ne part.",
    demo_link="Lire le message",
)

_SINCE: Final = phrases.Since(
    title="Ce numéro est à vous depuis quand ?",
    lead="Cette question est facultative. Un numéro change parfois de main : ce qui s'est passé avant vous regarde "
    "quelqu'un d'autre.",
    label="À moi depuis le",
    hint="Une date approximative suffit.",
    save="Continuer avec cette date",
    skip="Continuer sans date",
    why_title="Ce que la date change",
    why="Ce qui est plus ancien est alors résumé par organisme, sans détail. Sans date, tout vous est montré.",
)

_ANSWER: Final = phrases.Answer(
    contents="Dans cette réponse",
    stop="Dire stop à tous maintenant",
    object="M'opposer à tout message",
    erase="Faire effacer mon numéro",
    pdf="Lettre (PDF)",
    json="Données (JSON)",
    since="Vous avez indiqué que ce numéro est à vous depuis le {day}.",
    since_unknown="Vous n'avez pas indiqué depuis quand ce numéro est à vous.",
    since_change="Changer",
    new_page="nouvelle page",
    back="Revenir à la réponse",
    save_screenshot="Enregistrer le fichier tel qu'il nous a été remis",
    screenshot_hash="Empreinte SHA-256 du fichier : {hash}",
    path_in_words="Le même chemin en toutes lettres",
)

_OBJECTION: Final = phrases.ObjectionForm(
    title="S'opposer",
    lead="Une seule démarche atteint chaque organisme connu ici qui a votre numéro. Elle vaut dès qu'elle est "
    "enregistrée, et chacun a un mois pour vous répondre.",
    scope="Jusqu'où va votre opposition ?",
    everything="À tout, partout",
    everything_hint="Aucun organisme ne doit plus utiliser ce numéro pour vous démarcher, quelle que soit la finalité.",
    organisation="À un seul organisme",
    organisation_hint="Les autres ne sont pas concernés.",
    organisation_label="Organisme",
    choose="Choisir…",
    next="Continuer",
    nobody="Aucun organisme enregistré n'a votre numéro aujourd'hui. Vous pouvez tout de même vous opposer : votre "
    "opposition vaudra pour tout fichier à venir.",
    other="Vous voulez aussi que votre numéro disparaisse de leurs fichiers ?",
    other_link="Demander l'effacement",
)

_ERASURE: Final = phrases.ObjectionForm(
    title="Faire effacer mon numéro",
    lead="Vous demandez que votre numéro disparaisse des fichiers, et vous vous opposez par là même à tout message. Ce "
    "registre garde votre demande, où votre numéro est chiffré, pour qu'il ne revienne pas.",
    scope="Où effacer ?",
    everything="Partout",
    everything_hint="Chez chaque organisme qui a votre numéro aujourd'hui.",
    organisation="Chez un seul organisme",
    organisation_hint="Les autres le gardent.",
    organisation_label="Organisme",
    choose="Choisir…",
    next="Continuer",
    nobody="Aucun organisme enregistré n'a votre numéro aujourd'hui : il n'y a rien à effacer ici. Une opposition, "
    "elle, vaudra pour tout fichier à venir.",
    other="Vous voulez seulement ne plus recevoir de messages ?",
    other_link="M'opposer sans effacer",
)

_PURPOSE_SCOPE: Final = phrases.PurposeScope(
    choice="À une seule finalité",
    hint="Par exemple la prospection politique, chez tous ceux qui ont votre numéro.",
    label="Finalité",
)

_CONFIRMATIONS: Final = phrases.Confirmations(
    about="Numéro",
    kind="Type de demande",
    scope="Portée",
    reaches="Organismes concernés aujourd'hui",
    nobody="aucun",
    keep_first="Garder ma réponse",
    back="Modifier",
    objection=phrases.Confirmation(
        title="Confirmer votre opposition",
        consequence="Votre opposition est enregistrée aussitôt et remise à ces organismes. Elle ne peut pas être "
        "retirée ici : s'il le faut, adressez-vous à eux.",
        go="Je m'oppose",
    ),
    erasure=phrases.Confirmation(
        title="Confirmer l'effacement",
        consequence="L'effacement est définitif. Quand tous auront effacé votre numéro, son histoire disparaîtra "
        "d'ici aussi. Gardez d'abord votre réponse : c'est votre preuve.",
        go="Je demande l'effacement",
    ),
)

_CONTEST: Final = phrases.Contest(
    link="Je n'ai pas donné cet accord",
    title="Contester cet accord",
    collector="Recueilli par",
    wording="Avec ces mots",
    address="Où",
    consequence="Votre contestation est enregistrée aussitôt. Ces organismes doivent vérifier ce qu'ils déclarent, le "
    "rectifier s'il est inexact, et limiter l'usage de votre numéro pendant cette vérification (articles 16 et 18 du "
    "RGPD). Celui qui a recueilli l'accord doit vous en montrer la preuve. Vous pourrez retirer votre contestation.",
    go="Je n'ai pas donné cet accord",
    back="Revenir à ma réponse",
    gone="Cet accord ne figure plus dans votre réponse : rien n'a été enregistré.",
)

_REQUESTS: Final = phrases.Requests(
    title="Mes démarches",
    lead="Ce que vous avez demandé, et ce que chaque organisme en a fait.",
    recorded_now="Votre demande est enregistrée et vaut dès maintenant. Voici où en est chaque organisme.",
    none="Vous n'avez encore rien demandé.",
    earlier="Des demandes plus anciennes existent sur ce numéro, d'avant la date donnée. Elles valent toujours.",
    heading="{kind} : {scope}",
    recorded="Enregistrée le {day}",
    everything=phrases.Everything(objection="à tout", erasure="partout"),
    organisation="{name} seulement",
    purpose="{purpose} seulement",
    closed="Terminée le {day}",
    closed_but_letters="Plus rien à attendre ici depuis le {day} : il vous reste à écrire à qui n'a pas de compte",
    open="En cours",
    meanings=phrases.RelayMeanings(
        waiting="Le registre vérifie d'abord si un organisme peut prendre part à cette demande.",
        pending="L'organisme ne l'a pas encore consultée.",
        delivered="L'organisme l'a entre les mains et n'a pas encore répondu.",
        acknowledged="L'organisme dit l'avoir reçue et y travaille.",
        completed="L'organisme dit que c'est fait.",
        refused="L'organisme refuse. Si sa raison ne vous convainc pas, vous pouvez saisir la CNIL.",
        undeliverable="Cet organisme n'a pas de compte ici : il faut lui écrire.",
        withdrawn="Vous avez retiré votre contestation.",
    ),
    check_due="Il vérifie {name}, au plus tard jusqu'au {day}. Le délai d'un mois pour répondre commence ensuite.",
    check_overdue="Il aurait dû avoir vérifié {name} le {day} au plus tard. L'exploitant du registre est en retard.",
    due="Réponse due le {day}",
    overdue="Réponse due le {day}, en retard",
    extended="Le {day}, l'organisme a prolongé son délai de deux mois. Motif donné : {reason}",
    on="le {day}",
    reason="Motif donné : {reason}",
    write_to="Écrire à : {contact}",
    according_to="(nom et contact selon {namer})",
    holder_closed="(activité cessée le {day})",
    holder_succeeded="(aujourd'hui {heir})",
    no_address="Aucune adresse n'est connue ici.",
    letter="Lettre prête à imprimer",
    letter_to=" : {name}",
    no_relays="Personne n'a ce numéro aujourd'hui : rien à remettre. La demande vaut pour tout fichier à venir.",
    origin="l'accord recueilli par {collector}",
    taken_back="Vous l'avez retirée le {day}.",
    take_back="Retirer ma contestation",
    taken_back_now="Votre contestation est retirée.",
    answered="Réponse de {who}, le {day} : « {text} »",
    answered_reference="Référence de sa preuve : {record}",
    flagged_dataset="Malgré cette demande, un fichier de {name} enregistré le {day} contient votre numéro.",
    flagged_campaign="Malgré cette demande, la campagne « {campaign} » de {name}, du {day}, vise votre numéro.",
    flagged_campaign_planned="Malgré cette demande, {name} prévoit une campagne vers votre numéro, « {campaign} » "
    "(enregistrée le {day}).",
    reload="Actualiser",
    another="Faire une autre demande",
    complain="Sans réponse au bout d'un mois, ou si elle ne vous convient pas, vous pouvez adresser une plainte à la "
    "CNIL : cnil.fr/plaintes.",
)

_DEADLINES: Final = phrases.Deadlines(
    title="Qui répond, et en combien de temps",
    lead="Chaque organisme a un mois pour répondre à une opposition ou à une demande d'effacement. La loi lui permet "
    "deux mois de plus si c'est compliqué, à condition de le dire à la personne. Ces chiffres sont publics. Ils "
    "paraissent une fois par trimestre, le 15 du deuxième mois qui suit, et ne changent plus ensuite.",
    caption="Demandes reçues par les organismes {period}",
    published="Publié le {day}",
    corrected="Version {version}, corrigée le {day} : {reason}",
    organisation="Organisme",
    in_time="À temps",
    late="En retard",
    refused="Refusées",
    withdrawn="Retirées",
    open="Sans réponse",
    received="Ensemble des demandes",
    in_time_percent="Part à temps",
    median="Délai médian",
    mean="Délai moyen",
    total="Tous les organismes",
    days="{days} j",
    percent="{percent} %",
    fewer="moins de 10",
    left_out="non publié",
    none="Aucun trimestre n'est encore publié.",
    hidden="Pourquoi cacher les petits nombres ? Sans cela, quelqu'un qui sait quel jour une personne s'est opposée "
    "pourrait lire ici quels organismes ont son numéro. Un nombre inférieur à 10, même nul, s'écrit donc « moins de "
    "10 », et tout autre nombre est arrondi à la dizaine.",
    sums="Une somme ou une part n'est publiée que si tous les nombres qui la composent le sont : sinon, une "
    "soustraction révélerait le nombre caché. Il faut au moins 50 cas pour une part ou une moyenne, et 20 pour une "
    "médiane.",
    definitions="À temps : demandes traitées dans le mois. En retard : traitées après. Sans réponse : encore ouvertes "
    "la veille de la publication. Un délai plus long, annoncé à la personne, n'est pas connu ici. Délai médian : la "
    "moitié des réponses sont venues plus vite.",
    counted="Seules sont comptées les demandes venues des personnes elles-mêmes.",
    others="Trimestres publiés",
    period="du {first} au {last}",
    files="Les mêmes chiffres en fichiers :",
    of_version="{quarter}, version n° {version}",
)

_OUTBOX: Final = phrases.Outbox(
    title="Messages de la démonstration",
    lead="Aucun SMS ne part de cette démonstration : voici ce qui aurait été envoyé. Cette page ne se montre qu'à "
    "l'ordinateur sur lequel le service tourne.",
    none="Aucun message pour l'instant.",
    to="Pour le {number}",
    sent="à {time}",
    reload="Actualiser",
)

_ERRORS: Final = phrases.FormErrors(
    number_missing="Saisissez votre numéro de téléphone mobile.",
    number_invalid="Nous n'arrivons pas à lire ce numéro. Écrivez-le comme 06 39 98 00 00.",
    number_not_served="Nous n'envoyons de code qu'aux mobiles de France et d'outre-mer. Écrivez un numéro de mobile.",
    too_many_codes="Trop de codes ont été demandés. Réessayez dans {wait}.",
    too_soon="Attendez {wait} avant de demander un nouveau code.",
    not_sent="Le SMS n'a pas pu partir. Réessayez dans un instant.",
    code_missing="Saisissez le code à six chiffres reçu par SMS.",
    code_wrong="Ce n'est pas le bon code. Essais restants : {tries}.",
    code_expired="Ce code ne vaut plus. Demandez-en un nouveau.",
    date_missing="Choisissez une date, ou continuez sans date.",
    date_invalid="Cette date n'existe pas. Écrivez-la jour, mois, année.",
    date_in_future="Cette date est à venir : choisissez une date passée.",
    scope_missing="Choisissez jusqu'où va votre demande.",
    organisation_missing="Choisissez un organisme dans la liste.",
    purpose_missing="Choisissez une finalité dans la liste.",
    not_recorded="Cela n'a pas pu être enregistré. Vérifiez votre choix et recommencez.",
)

PHRASES: Final = typeset_all(
    Language.FR,
    phrases.Phrases(
        menu=_MENU,
        home=_HOME,
        code=_CODE,
        since=_SINCE,
        answer=_ANSWER,
        objection=_OBJECTION,
        erasure=_ERASURE,
        purpose_scope=_PURPOSE_SCOPE,
        confirmations=_CONFIRMATIONS,
        contest=_CONTEST,
        requests=_REQUESTS,
        deadlines=_DEADLINES,
        outbox=_OUTBOX,
        errors=_ERRORS,
    ),
)
